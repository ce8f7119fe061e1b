import FoundationEssentials
import LensCore

/// Results as JSON. Token ids, model and fingerprint have columns of their own and are not repeated here.
package enum ResultCoding {
    private static let version = 1

    static func encode(_ result: RunResult) throws(LensError) -> Data {
        switch result {
        case .run(let reply): try StoredJSON.encode(stored(reply))
        case .sweep(let reply, let sweep): try SweepCoding.encode(reply, of: sweep)
        case .generation(let reply): try StoredJSON.encode(stored(reply))
        }
    }

    static func stored(_ reply: RunReply) -> StoredRun { StoredRun(version: version, reply: reply) }

    static func stored(_ reply: GenerateReply) -> StoredGeneration { StoredGeneration(version: version, reply: reply) }

    static func reply(_ stored: StoredRun, of summary: RunSummary, recipe: Recipe) throws(LensError) -> RunReply {
        try check(stored.version)
        return try stored.reply(of: summary, recipe: recipe)
    }

    static func reply(
        _ stored: StoredGeneration, of summary: RunSummary, recipe: Recipe
    ) throws(LensError) -> GenerateReply {
        try check(stored.version)
        return try stored.reply(of: summary, recipe: recipe)
    }

    private static func check(_ found: Int) throws(LensError) {
        guard found == version else { throw .dataLoss("a stored result has format \(found), expected \(version)") }
    }

    /// Puts a result together again from its blob and what the columns hold.
    package static func decode(_ data: Data, of summary: RunSummary, recipe: Recipe) throws(LensError) -> RunResult {
        switch summary.kind {
        case .run:
            return .run(
                try StoredJSON.decode(StoredRun.self, from: data, version: version).reply(of: summary, recipe: recipe))
        case .sweep:
            let (reply, sweep) = try SweepCoding.decode(data, of: summary, recipe: recipe)
            return .sweep(reply, of: sweep)
        case .generation:
            return .generation(
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

struct StoredRun: Codable {
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
