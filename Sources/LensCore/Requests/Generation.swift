/// How text is generated: how each token is chosen, and when to stop.
///
/// A token is chosen as TransformerLens's `sample_logits` does: logits are divided by the temperature, repeated tokens
/// penalised, then only the `topK` likeliest stay, and of those the likeliest that together exceed `topP`. At
/// temperature 0 the likeliest token is taken, and nothing else counts.
public struct GenerationOptions: Sendable, Hashable {
    /// The most tokens to add to each prompt; the context may end before.
    public var maxNewTokens: Int
    public var temperature: Double
    /// `nil` keeps all tokens.
    public var topK: Int?
    /// In (0, 1]; `nil` keeps all tokens.
    public var topP: Double?
    /// Taken off a token's logit for each time it stands in the prompt or in what was generated.
    public var frequencyPenalty: Double
    /// At most 2⁶³ − 1; `nil` leaves the choice to the daemon, which says what it chose.
    public var seed: UInt64?
    public var stopsAtEOS: Bool
    /// Tokens that end a text; empty means the model's own.
    public var eosTokens: [Int32]
    /// Texts that end the generation where they appear among what was generated; the text is cut before them, as
    /// OpenAI's and vLLM's servers do it (transformers leaves them in), the tokens are not.
    public var stopStrings: [String]

    public init(
        maxNewTokens: Int, temperature: Double = 1, topK: Int? = nil, topP: Double? = nil,
        frequencyPenalty: Double = 0, seed: UInt64? = nil, stopsAtEOS: Bool = true, eosTokens: [Int32] = [],
        stopStrings: [String] = []
    ) {
        self.maxNewTokens = maxNewTokens
        self.temperature = temperature
        self.topK = topK
        self.topP = topP
        self.frequencyPenalty = frequencyPenalty
        self.seed = seed
        self.stopsAtEOS = stopsAtEOS
        self.eosTokens = eosTokens
        self.stopStrings = stopStrings
    }

    private static let maximumStops = 16
    private static let maximumStopBytes = 256

    /// - Parameter vocabulary: how many tokens the model has.
    /// - Throws: `INVALID_ARGUMENT` naming the field, the value and the range.
    public func check(vocabulary: Int) throws(LensError) {
        guard maxNewTokens >= 1 else {
            throw .invalidArgument("max_new_tokens must be 1 or more; received \(maxNewTokens)")
        }
        guard temperature.isFinite, temperature >= 0 else {
            throw .invalidArgument("temperature must be 0 or more; received \(temperature)")
        }
        if let topK, topK < 1 { throw .invalidArgument("top_k must be 1 or more; received \(topK)") }
        if let topP, !(topP > 0 && topP <= 1) {
            throw .invalidArgument("top_p must be above 0 and at most 1; received \(topP)")
        }
        guard frequencyPenalty.isFinite, frequencyPenalty >= 0 else {
            throw .invalidArgument("freq_penalty must be 0 or more; received \(frequencyPenalty)")
        }
        guard eosTokens.count <= Self.maximumStops, stopStrings.count <= Self.maximumStops else {
            throw .invalidArgument(
                "there are at most \(Self.maximumStops) EOS tokens and as many stop strings; received "
                    + "\(eosTokens.count) and \(stopStrings.count)")
        }
        for id in eosTokens where id < 0 || Int(id) >= vocabulary {
            throw .outOfRange("EOS token", id, 0..<vocabulary)
        }
        if let seed, seed > UInt64(Int64.max) {
            throw .invalidArgument("seed must be in 0...\(Int64.max); received \(seed)")
        }
        for stop in stopStrings where !(1...Self.maximumStopBytes).contains(stop.utf8.count) {
            throw .invalidArgument(
                "a stop string has 1 to \(Self.maximumStopBytes) bytes; received \(stop.utf8.count)")
        }
    }
}

public struct GenerateRequest: Sendable {
    public var model: ModelReference
    public var session: String
    public var prompts: [Prompt]
    public var interventions: [InterventionSpec]
    public var options: GenerationOptions
    public var isRecorded: Bool

    public init(
        model: ModelReference, session: String = "default", prompts: [Prompt],
        interventions: [InterventionSpec] = [], options: GenerationOptions, isRecorded: Bool = true
    ) {
        self.model = model
        self.session = session
        self.prompts = prompts
        self.interventions = interventions
        self.options = options
        self.isRecorded = isRecorded
    }
}

/// Why a text ended.
public enum FinishReason: String, Sendable, CaseIterable {
    /// An EOS token came; it is the last of the tokens, and no part of the text.
    case eos
    /// A stop string came.
    case stop
    /// There are as many new tokens as were asked for.
    case length
    /// The context is full.
    case context
}

/// A piece of one prompt's continuation, as it comes.
public struct GeneratedTokens: Sendable, Hashable {
    /// Which prompt.
    public var prompt: Int
    public var tokens: [GeneratedToken]
    /// The text that is certain now. What may still turn out to be part of a character or of a stop string comes
    /// later; all pieces together are the whole text.
    public var text: String

    public init(prompt: Int, tokens: [GeneratedToken], text: String) {
        self.prompt = prompt
        self.tokens = tokens
        self.text = text
    }
}

public struct GeneratedToken: Sendable, Hashable {
    public var token: Token
    /// Natural logarithm of the probability that the model gave the token, before temperature, penalty and filters.
    public var logprob: Float

    public init(token: Token, logprob: Float) {
        self.token = token
        self.logprob = logprob
    }
}

/// What became of one prompt.
public struct Generation: Sendable, Hashable {
    /// The prompt's tokens as run, and the new ones.
    public var tokens: [Token]
    public var promptLength: Int
    /// One per new token, as ``GeneratedToken/logprob``.
    public var logprobs: [Float]
    /// Of the new tokens: without the EOS token that ended it, cut before a stop string.
    public var text: String
    public var finishReason: FinishReason

    public init(
        tokens: [Token], promptLength: Int, logprobs: [Float], text: String, finishReason: FinishReason
    ) {
        self.tokens = tokens
        self.promptLength = promptLength
        self.logprobs = logprobs
        self.text = text
        self.finishReason = finishReason
    }

    /// Mean of ``logprobs``; NaN where no token was generated.
    public var meanLogprob: Double { logprobs.reduce(0.0) { $0 + Double($1) } / Double(logprobs.count) }

    /// The new tokens with what the model thought of each.
    public var newTokens: [GeneratedToken] {
        zip(tokens.dropFirst(promptLength), logprobs).map { GeneratedToken(token: $0, logprob: $1) }
    }
}

public struct GenerateReply: Sendable {
    /// The run over the final tokens: its activations are those of the generation. Empty where it was not recorded.
    public var runID: String
    public var model: String
    public var form: ModelReference.Form
    public var fingerprint: String
    /// With the seed that was used.
    public var options: GenerationOptions
    public var prompts: [Generation]

    public init(
        runID: String, model: String, form: ModelReference.Form, fingerprint: String, options: GenerationOptions,
        prompts: [Generation]
    ) {
        self.runID = runID
        self.model = model
        self.form = form
        self.fingerprint = fingerprint
        self.options = options
        self.prompts = prompts
    }
}

public enum GenerateEvent: Sendable {
    /// Everything new since the last such event, of any number of prompts.
    case tokens([GeneratedTokens])
    /// What became of a prompt; once for each, in order, behind all tokens.
    case result(prompt: Int, Generation)
    /// The last event: the reply, without its prompts.
    case end(GenerateReply)
}

extension GenerationOptions: CustomStringConvertible {
    /// In short, as lists of runs show it: `20 tokens, temperature 0.8, top-k 50, seed 7`.
    public var description: String {
        var words = ["\(maxNewTokens) tokens"]
        if temperature == 0 {
            words.append("greedy")
        } else {
            words.append("temperature \(temperature)")
            if let topK { words.append("top-k \(topK)") }
            if let topP { words.append("top-p \(topP)") }
            if frequencyPenalty > 0 { words.append("freq-penalty \(frequencyPenalty)") }
            if let seed { words.append("seed \(seed)") }
        }
        if !stopsAtEOS { words.append("ignoring EOS") }
        return words.joined(separator: ", ")
    }
}
