import LensCore
import LensEngine
import LensModel
import LensTensor

/// The head sweep on a random GPT-Neo of TinyStories-1Layer-21M's shape, in process, against the sgemm peak.
struct LargeSweep {
    let workspace: Workspace
    let repeats: Int

    func measure(into table: inout FigureTable) async throws {
        let pool = ComputePool(threads: availableCores())
        let folder = try workspace.largeCheckpoint()
        var model: LanguageModel?
        let loading = try clocked { model = try LanguageModel(folder: ModelFolder(opening: folder), on: pool) }
        guard let model else { return }
        table.note("load", "\(loading.rounded(2)) s for \(model.weightBytes >> 20) MiB of weights")
        let registry = try ModelRegistry([RegisteredModel(name: "shape-a", model: model)])
        let engine = try Engine(models: registry, pool: pool)
        defer { engine.stop() }
        let peak = SgemmPeak(pool)
        _ = try peak.measure()
        for (pos, target) in [(32, 0.80), (128, 0.88), (512, 0.88)] {
            let recipe = try engine.prepare(
                model: ModelReference(name: nil),
                prompts: [.tokens((0..<pos).map { Int32(($0 * 7919 + 17) % model.configuration.dVocab) })],
                interventions: [])
            let work = SweepWork(model.configuration, pos: pos)
            var runs: [(seconds: Double, peak: Double)] = []
            for _ in 0..<repeats + 1 {
                // The machine's speed drifts: the limit is what it was just before and just after.
                let before = try peak.measure()
                let seconds = try await clocked {
                    _ = try await engine.sweep(
                        SweepRequest(model: recipe.model, prompts: [], isRecorded: false), recipe: recipe,
                        control: CallControl()
                    ) { _, _ in }
                }
                runs.append((seconds, (before + (try peak.measure())) / 2))
            }
            // The first repetition warms up; of the others the one with the median ratio is told.
            let ordered = runs.dropFirst().sorted { $0.seconds * $0.peak < $1.seconds * $1.peak }
            guard let run = ordered.dropFirst(ordered.count / 2).first else { return }
            table.note("sweep at \(pos)", "\((run.seconds * 1000).rounded(0)) ms")
            table.add(
                "shape A, 16-head sweep, \(pos) tokens", ours: work.flops / run.seconds / 1e9, limit: run.peak / 1e9,
                unit: "GFLOP/s", atLeast: target)
        }
    }
}
