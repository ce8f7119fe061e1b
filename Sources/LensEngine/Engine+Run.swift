import LensCore
import LensModel
import LensTensor

extension Engine {
    /// Runs a recipe's prompts. The reply's `runID` is empty: recording is the service's.
    ///
    /// - Throws: `INVALID_ARGUMENT`, `NOT_FOUND` (names to keep), `FAILED_PRECONDITION`, `CANCELLED`, `DEADLINE_EXCEEDED`.
    public func run(
        _ request: RunRequest, recipe: Recipe, control: CallControl
    ) async throws(LensError) -> RunReply {
        let subject = try await subject(recipe, control: control)
        try check(topCount: request.topCount, prompts: recipe.tokens.count, in: subject.configuration)
        let keep = try points(request.keep, in: subject.configuration)
        let kept = recipe.tokens.indices.flatMap { subject.cacheKeys(prompt: $0, points: keep) }
        let outcome = try await passes.run(
            RunJob(
                subject, keep: keep, cache: cache, user: user, wantsLoss: request.wantsLoss,
                topCount: request.topCount),
            for: user,
            asking: subject.question("run") { content in
                content.add(keep.map(\.name))
                content.add(request.wantsLoss ? 1 : 0)
                content.add(request.topCount)
            }, takesKept: !recomputes && cache.contains(kept), control: control)
        // Whoever's work brought them here: they are at hand because this user asked as well.
        cache.use(kept, by: user)
        return try reply(to: request, of: subject, outcome)
    }

    /// What came out of the passes of a recipe, as its caller gets it.
    func reply(
        to request: RunRequest, of subject: PassSubject, _ outcome: RunJob.Outcome
    ) throws(LensError) -> RunReply {
        let recipe = subject.recipe
        var prompts: [PromptResult] = []
        for index in recipe.tokens.indices {
            let losses = index < outcome.losses.count ? outcome.losses[index] : []
            let top = index < outcome.top.count ? outcome.top[index] : []
            prompts.append(
                PromptResult(
                    tokens: try subject.tokens(of: index), loss: losses.mean,
                    perTokenLoss: request.wantsPerTokenLoss ? losses : [],
                    top: try predictions(top, in: subject.model)))
        }
        return RunReply(
            runID: "", model: subject.name, form: recipe.model.form, fingerprint: recipe.fingerprint,
            loss: outcome.losses.flatMap { $0 }.mean, prompts: prompts)
    }

    func points(
        _ filter: NamesFilter, in configuration: ModelConfiguration
    ) throws(LensError) -> [HookPoint] {
        let all = configuration.hookPoints
        switch filter {
        case .none: return []
        case .all: return all.filter { !$0.kind.isOnDemand }
        case .names(let names):
            var points: [HookPoint] = []
            for name in names { points.append(try HookPoint.named(name, among: all)) }
            return points
        }
    }

    /// A reply holds some hundred thousand predictions; whoever wants all of them queries the logits.
    func check(topCount: Int, prompts: Int, in configuration: ModelConfiguration) throws(LensError) {
        let limit = min(configuration.dVocab, 200_000 / max(prompts, 1))
        guard (0...limit).contains(topCount) else {
            throw .invalidArgument(
                "top count must be in 0...\(limit) for \(prompts) prompt\(prompts == 1 ? "" : "s"); received \(topCount)"
            )
        }
    }

    private func predictions(
        _ candidates: [TokenCandidate], in model: LanguageModel
    ) throws(LensError) -> [Prediction] {
        var predictions: [Prediction] = []
        for candidate in candidates {
            let id = Int32(candidate.id)
            let token = Token(id: id, text: try model.text(of: id))
            predictions.append(Prediction(token: token, logprob: candidate.logprob))
        }
        return predictions
    }
}
