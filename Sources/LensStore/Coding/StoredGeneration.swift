import LensCore

/// A generation's result as JSON; see ``ResultCoding``.
struct StoredGeneration: Codable {
    struct Options: Codable {
        var maxNewTokens: Int
        var temperature: Double
        var topK: Int?
        var topP: Double?
        var frequencyPenalty: Double
        var seed: UInt64?
        var stopsAtEOS: Bool
        var eosTokens: [Int32]
        var stopStrings: [String]
    }

    struct Prompt: Codable {
        var texts: [String]
        var promptLength: Int
        var logprobs: [Float]
        var text: String
        var finishReason: String
    }

    var version: Int
    var options: Options
    var prompts: [Prompt]

    init(version: Int, reply: GenerateReply) {
        self.version = version
        let asked = reply.options
        options = Options(
            maxNewTokens: asked.maxNewTokens, temperature: asked.temperature, topK: asked.topK, topP: asked.topP,
            frequencyPenalty: asked.frequencyPenalty, seed: asked.seed, stopsAtEOS: asked.stopsAtEOS,
            eosTokens: asked.eosTokens, stopStrings: asked.stopStrings)
        prompts = reply.prompts.map { prompt in
            Prompt(
                texts: prompt.tokens.map(\.text), promptLength: prompt.promptLength, logprobs: prompt.logprobs,
                text: prompt.text, finishReason: prompt.finishReason.rawValue)
        }
    }

    /// - Throws: `DATA_LOSS` for what no generation is like.
    func reply(of summary: RunSummary, recipe: Recipe) throws(LensError) -> GenerateReply {
        let tokens = try ResultCoding.tokens(recipe.tokens, prompts.map(\.texts))
        var generations: [Generation] = []
        for (tokens, prompt) in zip(tokens, prompts) {
            guard let finishReason = FinishReason(rawValue: prompt.finishReason),
                prompt.promptLength == tokens.count - prompt.logprobs.count, prompt.promptLength >= 0
            else {
                throw .dataLoss(
                    "a stored generation of \(tokens.count) tokens began with \(prompt.promptLength), got "
                        + "\(prompt.logprobs.count) and ended by \(prompt.finishReason.quotedForMessage)")
            }
            generations.append(
                Generation(
                    tokens: tokens, promptLength: prompt.promptLength, logprobs: prompt.logprobs, text: prompt.text,
                    finishReason: finishReason))
        }
        return GenerateReply(
            runID: summary.id, model: recipe.model.name ?? "", form: recipe.model.form,
            fingerprint: summary.fingerprint,
            options: GenerationOptions(
                maxNewTokens: options.maxNewTokens, temperature: options.temperature, topK: options.topK,
                topP: options.topP, frequencyPenalty: options.frequencyPenalty, seed: options.seed,
                stopsAtEOS: options.stopsAtEOS, eosTokens: options.eosTokens, stopStrings: options.stopStrings),
            prompts: generations)
    }
}
