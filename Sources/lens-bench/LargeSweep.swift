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
            var rates: [Double] = []
            var peaks: [Double] = []
            var times: [Double] = []
            for _ in 0..<repeats + 1 {
                peaks.append(try peak.measure())
                let seconds = try await clocked {
                    _ = try await engine.sweep(
                        SweepRequest(model: recipe.model, prompts: [], isRecorded: false), recipe: recipe,
                        control: CallControl()
                    ) { _, _ in }
                }
                times.append(seconds)
                rates.append(work.flops / seconds)
            }
            // The first repetition warms up.
            table.note("sweep at \(pos)", "\((times.dropFirst().map { $0 * 1000 }.median).rounded(0)) ms")
            table.add(
                "shape A, 16-head sweep, \(pos) tokens", ours: rates.dropFirst().map { $0 / 1e9 }.median,
                limit: peaks.dropFirst().map { $0 / 1e9 }.median, unit: "GFLOP/s", atLeast: target)
        }
    }
}
