import FoundationEssentials
import LensCore

/// Results as JSON. Token ids, model and fingerprint have columns of their own and are not repeated here.
enum ResultCoding {
    private static let version = 1

    static func encode(_ result: RunResult) throws(LensError) -> Data {
        switch result {
        case .run(let reply): try StoredJSON.encode(StoredRun(version: version, reply: reply))
        case .sweep(let reply): try StoredJSON.encode(StoredSweep(version: version, reply: reply))
        case .generation(let reply): try StoredJSON.encode(StoredGeneration(version: version, reply: reply))
        }
    }

    /// Puts a result together again from its blob and what the columns hold.
    static func decode(_ data: Data, of summary: RunSummary, recipe: Recipe) throws(LensError) -> RunResult {
        switch summary.kind {
        case .run:
            .run(try StoredJSON.decode(StoredRun.self, from: data, version: version).reply(of: summary, recipe: recipe))
        case .sweep:
            .sweep(
                try StoredJSON.decode(StoredSweep.self, from: data, version: version).reply(of: summary, recipe: recipe)
            )
        case .generation:
            .generation(
                try StoredJSON.decode(StoredGeneration.self, from: data, version: version)
                    .reply(of: summary, recipe: recipe))
        }
    }

    /// Joins ids and texts, prompt by prompt.
    static func tokens(_ ids: [[Int32]], _ texts: [[String]]) throws(LensError) -> [[Token]] {
        guard ids.map(\.count) == texts.map(\.count) else {
            throw .dataLoss("a stored result has other tokens than its run")
        }
        return zip(ids, texts).map { ids, texts in zip(ids, texts).map { Token(id: $0, text: $1) } }
    }
}

private struct StoredRun: Codable {
    struct Prompt: Codable {
        var texts: [String]
        var loss: Double
        var perTokenLoss: [Float]
        var top: [Prediction]
    }

    struct Prediction: Codable {
        var id: Int32
        var text: String
        var logprob: Float
    }

    var version: Int
    var loss: Double
    var prompts: [Prompt]

    init(version: Int, reply: RunReply) {
        self.version = version
        loss = reply.loss
        prompts = reply.prompts.map { prompt in
            Prompt(
                texts: prompt.tokens.map(\.text), loss: prompt.loss, perTokenLoss: prompt.perTokenLoss,
                top: prompt.top.map { Prediction(id: $0.token.id, text: $0.token.text, logprob: $0.logprob) })
        }
    }

    func reply(of summary: RunSummary, recipe: Recipe) throws(LensError) -> RunReply {
        let tokens = try ResultCoding.tokens(recipe.tokens, prompts.map(\.texts))
        return RunReply(
            runID: summary.id, model: recipe.model.name ?? "", form: recipe.model.form,
            fingerprint: summary.fingerprint,
            loss: loss,
            prompts: zip(tokens, prompts).map { tokens, prompt in
                PromptResult(
                    tokens: tokens, loss: prompt.loss, perTokenLoss: prompt.perTokenLoss,
                    top: prompt.top.map { top in
                        LensCore.Prediction(token: Token(id: top.id, text: top.text), logprob: top.logprob)
                    })
            })
    }
}

private struct StoredSweep: Codable {
    struct Head: Codable {
        var layer: Int
        var head: Int
        var loss: Double
        var delta: Double
        var standardError: Double
        var promptDeltas: [Double]
    }

    var version: Int
    var action: String
    var hook: String
    var texts: [[String]]
    var baselineLoss: Double
    var baselineLosses: [Double]
    var heads: [Head]

    init(version: Int, reply: SweepReply) {
        self.version = version
        action = reply.action.rawValue
        hook = reply.hook
        texts = reply.tokens.map { $0.map(\.text) }
        baselineLoss = reply.baselineLoss
        baselineLosses = reply.baselineLosses
        heads = reply.heads.map { effect in
            Head(
                layer: effect.layer, head: effect.head, loss: effect.loss, delta: effect.delta,
                standardError: effect.standardError, promptDeltas: effect.promptDeltas)
        }
    }

    func reply(of summary: RunSummary, recipe: Recipe) throws(LensError) -> SweepReply {
        guard let action = AblationKind(rawValue: action) else {
            throw .dataLoss("a stored sweep has the unknown action \(action.quotedForMessage)")
        }
        return SweepReply(
            runID: summary.id, model: recipe.model.name ?? "", form: recipe.model.form,
            fingerprint: summary.fingerprint,
            action: action, hook: hook, tokens: try ResultCoding.tokens(recipe.tokens, texts),
            baselineLoss: baselineLoss, baselineLosses: baselineLosses,
            heads: heads.map { head in
                HeadEffect(
                    layer: head.layer, head: head.head, loss: head.loss, delta: head.delta,
                    standardError: head.standardError, promptDeltas: head.promptDeltas)
            })
    }
}
