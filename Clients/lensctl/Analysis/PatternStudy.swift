import LensClient
import LensCore
import LensReport

/// One prompt's run with the attention patterns of the heads that were asked for.
struct PatternStudy: Sendable {
    let model: ModelDescription
    let reply: RunReply
    let result: PromptResult
    /// By layers and heads.
    let patterns: [HeadPattern]

    var positions: Int { result.tokens.count }

    /// Runs a prompt and fetches patterns.
    ///
    /// - Parameter layers: `nil` means all of the model's.
    static func of(
        _ prompt: Prompt, model: ModelDescription, request: RunRequest, layers: [Int]?, connection: LensConnection
    ) async throws -> PatternStudy {
        let layers = layers ?? Array(0..<model.configuration.nLayers)
        var request = request
        request.prompts = [prompt]
        request.keep = .names(layers.map { HookPoint(.pattern, layer: $0).name })
        let reply = try await connection.run(request)
        guard let result = reply.prompts.first else { throw LensError(.internal, "a run of one prompt answered none") }
        let source: PassSource =
            reply.runID.isEmpty ? .prompts(request.model, [prompt], request.interventions) : .run(reply.runID)
        var patterns: [HeadPattern] = []
        for layer in layers {
            let pattern = try await connection.activation(
                QueryRequest(source: source, hook: HookPoint(.pattern, layer: layer).name, prompts: [0]))
            patterns += try HeadPattern.heads(layer: layer, positions: result.tokens.count, values: pattern.values)
        }
        return PatternStudy(model: model, reply: reply, result: result, patterns: patterns)
    }

    /// The page of this prompt.
    func page(
        title: String = "", ablation: SweepReply? = nil, scores: [HeadScores] = [], daemon: DaemonVersion?
    ) throws -> AttentionPage {
        try AttentionPage(
            title: title, model: reply.model, form: reply.form,
            processingSteps: model.configuration.processingSteps, fingerprint: reply.fingerprint, result: result,
            patterns: patterns, ablation: ablation.map { AttentionPage.Ablation($0) }, scores: scores, daemon: daemon)
    }
}
