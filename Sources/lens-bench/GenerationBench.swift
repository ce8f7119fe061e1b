import LensCore
import LensEngine
import LensModel
import LensTensor
import Synchronization

/// Text as the engine generates it, choosing of tokens included, against how fast the weights can be read.
struct GenerationBench {
    let engine: Engine
    let model: LanguageModel
    let title: String
    let repeats: Int

    func measure(on pool: ComputePool, into table: inout FigureTable) async throws {
        let c = model.configuration
        let options = GenerationOptions(maxNewTokens: 48, topK: 50, topP: 0.95, seed: 1, stopsAtEOS: false)
        let recipe = try engine.prepare(
            model: ModelReference(name: nil),
            prompts: [.tokens((0..<64).map { Int32(($0 * 7919 + 17) % c.dVocab) })], interventions: [])
        let bandwidth = ReadBandwidth(pool)
        var runs: [(perSecond: Double, limit: Double)] = []
        for _ in 0..<repeats + 1 {
            let before = try bandwidth.measure()
            let times = Mutex<[ContinuousClock.Instant]>([])
            _ = try await engine.generate(options, recipe: recipe, control: CallControl()) { _ in
                times.withLock { $0.append(.now) }
            }
            let after = try bandwidth.measure()
            let steps = times.withLock { $0 }
            // From token to token: the prompt's own pass is another thing.
            let seconds = zip(steps, steps.dropFirst()).map { $0.duration(to: $1) / .seconds(1) }
            // The embedding is read whole as the unembedding; of the positions one row is read.
            let bytes = Double(model.weightBytes - 4 * c.nCtx * c.dModel)
            runs.append((1 / seconds.median, (before + after) / 2 / bytes))
        }
        let ordered = runs.dropFirst().sorted { $0.perSecond / $0.limit < $1.perSecond / $1.limit }
        guard let run = ordered.dropFirst(ordered.count / 2).first else { return }
        table.add(
            "\(title), text by the engine, top-k and top-p", ours: run.perSecond, limit: run.limit, unit: "tokens/s",
            atLeast: 0.8)
    }
}
