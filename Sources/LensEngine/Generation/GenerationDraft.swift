import LensCore
import LensModel
import LensTensor
import LensTokenizer

/// The prompts of a request while they grow.
struct GenerationDraft: Sendable {
    /// What became of one prompt.
    struct Outcome: Sendable {
        /// The prompt's tokens and the new ones.
        let tokens: [Int32]
        /// One per new token.
        let logprobs: [Float]
        let text: String
        let finishReason: FinishReason
    }

    private let options: GenerationOptions
    private let eosTokens: [Int32]
    private let model: LanguageModel
    private let context: Int
    private var texts: [DraftText]

    /// A prompt that fills the context stays as it is.
    ///
    /// - Throws: `INVALID_ARGUMENT` for a token outside the vocabulary.
    init(_ subject: PassSubject, options: GenerationOptions, seed: UInt64) throws(LensError) {
        self.options = options
        model = subject.model
        context = subject.configuration.nCtx
        let own = options.eosTokens.isEmpty ? [model.tokenizer?.eosTokenID].compactMap { $0 } : options.eosTokens
        eosTokens = options.stopsAtEOS ? own : []
        let context = context
        texts = []
        for (index, tokens) in subject.recipe.tokens.enumerated() {
            texts.append(
                DraftText(
                    tokens: tokens, stream: try model.stream(behind: tokens),
                    text: GeneratedText(stops: options.stopStrings),
                    sampler: TokenSampler(options, seed: seed, stream: index, prompt: tokens),
                    finishReason: tokens.count >= context ? .context : nil))
        }
    }

    /// The prompts that may still grow.
    var open: [Int] { texts.indices.filter(isOpen) }

    func isOpen(_ prompt: Int) -> Bool { texts[prompt].finishReason == nil }

    /// What a pass that goes on with a prompt begins with.
    func newestToken(of prompt: Int) -> [Int32] { texts[prompt].tokens.suffix(1) }

    var outcomes: [Outcome] { texts.map(\.outcome) }

    /// Chooses the next token of some prompts, from the ends of their sequences in a pass.
    ///
    /// - Parameter prompts: which prompt each of the pass's sequences is.
    mutating func extend(
        _ prompts: [Int], after state: ForwardState, on compute: Compute
    ) throws(LensError) -> [GeneratedTokens] {
        var news: [GeneratedTokens] = []
        try state.forEachLastLogits(on: compute) { (sequence, logits) throws(LensError) in
            news.append(try extend(prompts[sequence], by: logits))
        }
        return news
    }

    /// Chooses the next token of a prompt.
    ///
    /// - Parameter logits: `[dVocab]`; overwritten.
    mutating func extend(
        _ prompt: Int, by logits: UnsafeMutableBufferPointer<Float>
    ) throws(LensError) -> GeneratedTokens {
        let (id, logprob) = try texts[prompt].sampler.next(from: logits)
        let token = Token(id: id, text: try model.text(of: id))
        let text = try texts[prompt].append(
            id, logprob: logprob, isEOS: eosTokens.contains(id), options: options, context: context)
        return GeneratedTokens(prompt: prompt, tokens: [GeneratedToken(token: token, logprob: logprob)], text: text)
    }
}

/// One prompt while it grows.
private struct DraftText: Sendable {
    var tokens: [Int32]
    var logprobs: [Float] = []
    var written = ""
    var stream: TokenStream
    var text: GeneratedText
    var sampler: TokenSampler
    var finishReason: FinishReason?

    /// - Returns: the text that became certain with the token.
    mutating func append(
        _ id: Int32, logprob: Float, isEOS: Bool, options: GenerationOptions, context: Int
    ) throws(LensError) -> String {
        tokens.append(id)
        logprobs.append(logprob)
        var (piece, isStopped) = isEOS ? ("", false) : text.append(try stream.append(id))
        if isEOS {
            finishReason = .eos
        } else if isStopped {
            finishReason = .stop
        } else if logprobs.count >= options.maxNewTokens {
            finishReason = .length
        } else if tokens.count >= context {
            finishReason = .context
        }
        if finishReason != nil, !isStopped {
            let (rest, stops) = text.append(stream.finish())
            piece += rest
            if stops {
                finishReason = .stop
            } else {
                piece += text.finish()
            }
        }
        written += piece
        return piece
    }

    var outcome: GenerationDraft.Outcome {
        GenerationDraft.Outcome(
            tokens: tokens, logprobs: logprobs, text: written, finishReason: finishReason ?? .length)
    }
}
