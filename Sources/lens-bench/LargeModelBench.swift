import LensCheckpoint
import LensCore
import LensEngine
import LensModel
import LensTensor

/// A model with random weights, in process: its head sweeps against the sgemm peak, its tokens against the bandwidth.
struct LargeModelBench {
    let workspace: Workspace
    let shape: Workspace.Shape
    let title: String
    let repeats: Int
    /// Tokens of a prompt, and the share of the peak that is asked for there; 0 where nothing is.
    let sweeps: [(pos: Int, target: Double)]

    func measure(into table: inout FigureTable) async throws {
        let pool = ComputePool(threads: availableCores())
        let folder = try workspace.checkpoint(shape)
        var model: LanguageModel?
        let loading = try clocked { model = try LanguageModel(folder: ModelFolder(opening: folder), on: pool) }
        guard let model else { return }
        table.note("\(title), load", "\(loading.rounded(2)) s for \(model.weightBytes >> 20) MiB of weights")
        let registry = try ResidentModels([RegisteredModel(name: shape.name, model: model)])
        // The same question is asked again and again, and shall be computed each time: nothing is kept.
        let engine = try Engine(models: registry, pool: pool, options: EngineOptions(cacheBytes: 0))
        defer { engine.stop() }
        try TokenBench(model: model, title: title, repeats: repeats).measure(on: pool, into: &table)
        try await GenerationBench(engine: engine, model: model, title: title, repeats: repeats)
            .measure(on: pool, into: &table)
        let peak = SgemmPeak(pool)
        _ = try peak.measure()
        for (pos, target) in sweeps {
            let recipe = try engine.prepare(
                model: ModelReference(name: nil),
                prompts: [.tokens((0..<pos).map { Int32(($0 * 7919 + 17) % model.configuration.dVocab) })],
                interventions: [])
            try await GradientCost(engine: engine, repeats: repeats).measure(
                recipe, named: "\(pos) tokens", into: &table)
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
            table.note("\(title), sweep at \(pos)", "\((run.seconds * 1000).rounded(0)) ms")
            table.add(
                "\(title), all-head sweep, \(pos) tokens", ours: work.flops / run.seconds / 1e9, limit: run.peak / 1e9,
                unit: "GFLOP/s", atLeast: target)
        }
    }
}
