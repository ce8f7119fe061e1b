import HeapModule
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
        let subject = try PassSubject(recipe, in: models)
        guard request.topCount >= 0, request.topCount <= subject.configuration.dVocab else {
            throw .outOfRange("top count", request.topCount, 0..<subject.configuration.dVocab + 1)
        }
        let keep = try points(request.keep, in: subject.configuration)
        let outcome = try await passes.run(
            RunJob(
                subject, keep: keep, cache: cache, wantsLoss: request.wantsLoss,
                wantsLastLogits: request.topCount > 0),
            control: control)
        var prompts: [PromptResult] = []
        for index in recipe.tokens.indices {
            let losses = index < outcome.losses.count ? outcome.losses[index] : []
            let top =
                index < outcome.lastLogits.count
                ? try predictions(outcome.lastLogits[index], count: request.topCount, in: subject.model) : []
            prompts.append(
                PromptResult(
                    tokens: try subject.tokens(of: index), loss: losses.mean,
                    perTokenLoss: request.wantsPerTokenLoss ? losses : [], top: top))
        }
        return RunReply(
            runID: "", model: subject.name, form: recipe.model.form, fingerprint: recipe.fingerprint,
            loss: outcome.losses.flatMap { $0 }.mean, prompts: prompts)
    }

    private func points(
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

    /// The likeliest next tokens, best first; of equal ones the lower id first.
    private func predictions(
        _ logits: Tensor, count: Int, in model: LanguageModel
    ) throws(LensError) -> [Prediction] {
        let (best, logSum) = logits.withPointer { pointer in
            let values = UnsafeBufferPointer(start: pointer, count: logits.count)
            var best = Heap<Candidate>()
            for (id, logit) in values.enumerated() {
                let candidate = Candidate(logit: logit, id: id)
                if best.count < count {
                    best.insert(candidate)
                } else if let lowest = best.min, lowest < candidate {
                    best.replaceMin(with: candidate)
                }
            }
            return (best.unordered.sorted(by: >), values.logSumExp())
        }
        var predictions: [Prediction] = []
        for candidate in best {
            let id = Int32(candidate.id)
            let token = Token(id: id, text: try model.tokenizer.text(of: id))
            predictions.append(Prediction(token: token, logprob: Float(Double(candidate.logit) - logSum)))
        }
        return predictions
    }

    /// A possible next token; the better one is the greater.
    private struct Candidate: Comparable {
        let logit: Float
        let id: Int

        static func < (left: Candidate, right: Candidate) -> Bool {
            (left.logit, right.id) < (right.logit, left.id)
        }
    }
}
