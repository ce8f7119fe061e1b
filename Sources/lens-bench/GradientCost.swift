import LensCore
import LensEngine

/// What the gradient of the loss costs beside the loss itself: the pass, and the way back through it.
struct GradientCost {
    let engine: Engine
    let repeats: Int

    /// Adds a line with the ratio of the two, each the median of its times.
    func measure(_ recipe: Recipe, named name: String, into table: inout FigureTable) async throws {
        let client = HookClient(user: 0, send: { _ in }, receive: { nil })
        var passes: [Double] = []
        var gradients: [Double] = []
        for _ in 0..<repeats + 1 {
            passes.append(
                try await clocked {
                    _ = try await engine.run(
                        RunRequest(model: recipe.model, prompts: [], isRecorded: false), recipe: recipe,
                        control: CallControl())
                })
            gradients.append(
                try await clocked {
                    try await engine.gradient(
                        GradientRequest(
                            model: recipe.model, prompts: [], terms: [GradientTerm(.loss(isSum: false))],
                            wanted: ["hook_embed"]), recipe: recipe, client: client, control: CallControl()
                    ) { _ in }
                })
        }
        // The first repetition warms up.
        let pass = passes.dropFirst().sorted()[repeats / 2]
        let gradient = gradients.dropFirst().sorted()[repeats / 2]
        table.note(
            "gradient of the loss, \(name)",
            "\((gradient * 1000).rounded(1)) ms, \((gradient / pass).rounded(2)) times the loss alone")
    }
}
