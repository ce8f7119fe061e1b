import LensCore
import LensModel

extension Engine {
    /// Ablates every head of every prompt in turn.
    ///
    /// - Parameter progress: called from the engine's thread with variants done and all.
    /// - Throws: `INVALID_ARGUMENT` for a point without heads; `CANCELLED`, `DEADLINE_EXCEEDED`.
    public func sweep(
        _ request: SweepRequest, recipe: Recipe, control: CallControl,
        progress: @escaping @Sendable (Int, Int) -> Void
    ) async throws(LensError) -> SweepReply {
        let subject = try PassSubject(recipe, in: models)
        try checkHeadCount(of: subject)
        guard !request.hook.isEmpty,
            request.hook.utf8.allSatisfy({ $0 == UInt8(ascii: "_") || (97...122).contains($0) })
        else {
            throw .invalidArgument(
                "a sweep takes a point's short name without a layer, such as z; received '\(request.hook.prefix(128))'")
        }
        let kind = try HookPoint.named(request.hook + "0", among: subject.configuration.hookPoints).kind
        _ = try InterventionCheck(configuration: subject.configuration, lengths: recipe.tokens.map(\.count)).edit(
            Intervention(
                point: HookPoint(kind, layer: 0), action: request.action.intervention,
                selection: Selection(heads: .index(0))))
        let outcome = try await passes.run(
            HeadSweepJob(subject, action: request.action, kind: kind, progress: progress), control: control)
        var tokens: [[Token]] = []
        for prompt in recipe.tokens.indices { tokens.append(try subject.tokens(of: prompt)) }
        return SweepReply(
            runID: "", model: subject.name, form: recipe.model.form, fingerprint: recipe.fingerprint,
            action: request.action, hook: request.hook, tokens: tokens, baselineLoss: outcome.baselineLoss,
            baselineLosses: outcome.baselineLosses,
            heads: outcome.headEffects(nHeads: subject.configuration.nHeads))
    }

    /// Scores every head's pattern over the prompts.
    public func scoreHeads(
        _ request: HeadScoresRequest, control: CallControl
    ) async throws(LensError) -> HeadScoresReply {
        let recipe = try prepare(model: request.model, prompts: request.prompts, interventions: [])
        let subject = try PassSubject(recipe, in: models)
        try checkHeadCount(of: subject)
        let heads = try await passes.run(HeadScoresJob(subject), control: control)
        var tokens: [[Token]] = []
        for prompt in recipe.tokens.indices { tokens.append(try subject.tokens(of: prompt)) }
        return HeadScoresReply(
            model: subject.name, fingerprint: recipe.fingerprint, tokens: tokens, heads: heads)
    }
}
