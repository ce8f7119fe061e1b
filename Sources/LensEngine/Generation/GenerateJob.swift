import DequeModule
import LensCore
import LensModel
import LensTensor

/// Adds token after token to the prompts of a recipe, from kept keys and values.
///
/// A step runs one batch of prompts once: a part of their own tokens at first, then the one token that each got last.
/// Others have their turn between the steps. The recipe's edits apply to each step's new positions.
final class GenerateJob: PassJob {
    struct Outcome: Sendable {
        /// The prompt's tokens and the new ones.
        let tokens: [Int32]
        /// One per new token.
        let logprobs: [Float]
        let text: String
        let finishReason: FinishReason
    }

    /// Prompts that go on together.
    private struct Batch {
        /// Their numbers in the request.
        var prompts: [Int]
        var cache: KeyValueCache
        /// Per prompt, the tokens that are to be run next; at least one each.
        var waiting: [[Int32]]
    }

    private let subject: PassSubject
    private let options: GenerationOptions
    private let eosTokens: [Int32]
    private let progress: @Sendable ([GeneratedTokens]) -> Void
    private var writers: [Writer]
    private var batches: Deque<Batch> = []

    /// - Parameter progress: gets the new tokens of each step, on the engine's thread.
    init(
        _ subject: PassSubject, options: GenerationOptions, seed: UInt64,
        progress: @escaping @Sendable ([GeneratedTokens]) -> Void
    ) {
        self.subject = subject
        self.options = options
        self.progress = progress
        let own = options.eosTokens.isEmpty ? [subject.model.tokenizer.eosTokenID].compactMap { $0 } : options.eosTokens
        eosTokens = options.stopsAtEOS ? own : []
        let prompts = subject.recipe.tokens
        writers = prompts.enumerated().map { index, tokens in
            Writer(
                tokens: tokens, text: GeneratedText(stops: options.stopStrings),
                sampler: TokenSampler(options, seed: seed, stream: index, prompt: tokens))
        }
        // A prompt that fills the context stays as it is.
        for index in prompts.indices where prompts[index].count >= subject.configuration.nCtx {
            writers[index].finishReason = .context
        }
        let open = prompts.indices.filter { writers[$0].finishReason == nil }
        for batch in subject.batches(open) where !open.isEmpty {
            batches.append(
                Batch(
                    prompts: batch,
                    cache: KeyValueCache(subject.model, form: subject.recipe.model.form, sequences: batch.count),
                    waiting: batch.map { prompts[$0] }))
        }
    }

    func step(on compute: Compute) throws(LensError) -> [Outcome]? {
        if var batch = batches.popFirst() {
            try run(&batch, on: compute)
            if !batch.prompts.isEmpty { batches.append(batch) }
        }
        return batches.isEmpty ? writers.map(\.outcome) : nil
    }

    // MARK: - A step

    private func run(_ batch: inout Batch, on compute: Compute) throws(LensError) {
        let now = takeWaiting(&batch)
        var state = try ForwardState(
            subject.model, form: subject.recipe.model.form, tokens: now, continuing: batch.cache.take())
        try subject.visit([], in: &state, of: batch.prompts, on: compute, isAtEnd: false) { _ in }
        let end = HookPoint(.residPost, layer: subject.configuration.nLayers - 1)
        try state.advance(to: max(state.point, end), on: compute)
        batch.cache = try state.takeKept()
        guard batch.waiting.allSatisfy(\.isEmpty) else { return }
        var news: [GeneratedTokens] = []
        // Some sequences at a time: logits of them all need not fit into memory.
        for start in stride(from: 0, to: now.count, by: 64) {
            let some = start..<min(start + 64, now.count)
            var logits = try state.lastLogits(of: some, on: compute)
            let width = logits.rowWidth
            try logits.withMutablePointer { (logits) throws(LensError) in
                for (row, prompt) in batch.prompts[some].enumerated() {
                    try compute.control.check()
                    let row = UnsafeMutableBufferPointer(start: logits + row * width, count: width)
                    news.append(try write(prompt, row))
                }
            }
        }
        progress(news)
        let open = batch.prompts.indices.filter { writers[batch.prompts[$0]].finishReason == nil }
        if open.count < batch.prompts.count {
            batch.cache = batch.cache.take().taking(open)
            batch.prompts = open.map { batch.prompts[$0] }
        }
        batch.waiting = batch.prompts.map { writers[$0].tokens.suffix(1) }
    }

    /// The tokens of the next step: all that wait, or of a prompt that exceeds the row budget alone as many as fit.
    /// Edits are held against whole prompts, so that those are not cut.
    private func takeWaiting(_ batch: inout Batch) -> [[Int32]] {
        let whole = batch.waiting
        guard whole.count == 1, whole[0].count > subject.budget.rows, subject.plan.points.isEmpty else {
            batch.waiting = whole.map { _ in [] }
            return whole
        }
        batch.waiting = [Array(whole[0].dropFirst(subject.budget.rows))]
        return [Array(whole[0].prefix(subject.budget.rows))]
    }

    /// Chooses a prompt's next token.
    private func write(
        _ prompt: Int, _ logits: UnsafeMutableBufferPointer<Float>
    ) throws(LensError) -> GeneratedTokens {
        let tokenizer = subject.model.tokenizer
        let (id, logprob) = try writers[prompt].sampler.next(from: logits)
        let token = Token(id: id, text: try tokenizer.text(of: id))
        let text = writers[prompt].append(
            id, logprob: logprob, bytes: try tokenizer.bytes(of: id), isEOS: eosTokens.contains(id),
            options: options, context: subject.configuration.nCtx)
        return GeneratedTokens(prompt: prompt, tokens: [GeneratedToken(token: token, logprob: logprob)], text: text)
    }
}

/// One prompt while it grows.
private struct Writer {
    var tokens: [Int32]
    var logprobs: [Float] = []
    var written = ""
    var text: GeneratedText
    var sampler: TokenSampler
    var finishReason: FinishReason?

    init(tokens: [Int32], text: GeneratedText, sampler: TokenSampler) {
        self.tokens = tokens
        self.text = text
        self.sampler = sampler
    }

    /// - Returns: the text that became certain with the token.
    mutating func append(
        _ id: Int32, logprob: Float, bytes: ArraySlice<UInt8>, isEOS: Bool, options: GenerationOptions, context: Int
    ) -> String {
        tokens.append(id)
        logprobs.append(logprob)
        var (piece, isStopped) = isEOS ? ("", false) : text.append(bytes)
        if isEOS {
            finishReason = .eos
        } else if isStopped {
            finishReason = .stop
        } else if logprobs.count >= options.maxNewTokens {
            finishReason = .length
        } else if tokens.count >= context {
            finishReason = .context
        }
        if finishReason != nil { piece += text.finish() }
        written += piece
        return piece
    }

    var outcome: GenerateJob.Outcome {
        GenerateJob.Outcome(
            tokens: tokens, logprobs: logprobs, text: written, finishReason: finishReason ?? .length)
    }
}
