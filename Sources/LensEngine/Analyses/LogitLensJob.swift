import LensCore
import LensModel
import LensTensor

/// Reads predictions off the residual stream, prompt by prompt: one pass that keeps the rows that are asked for, then
/// their logits, a block of rows of one point at a time.
final class LogitLensJob: PassJob {
    /// What is wanted, held against the model and the prompts.
    struct Question: Sendable {
        /// In the order of the pass; the last is the final residual stream.
        var points: [HookPoint]
        /// Per prompt.
        var positions: [[Int]]
        var topCount: Int
        var tokens: [Int32]
    }

    private let subject: PassSubject
    private let question: Question
    private var prompts: ArraySlice<Int>
    private var current: PromptWork?
    private var finished: [PromptLens] = []

    init(_ subject: PassSubject, _ question: Question) {
        self.subject = subject
        self.question = question
        prompts = Array(subject.recipe.tokens.indices)[...]
    }

    var cost: PassCost {
        let rows = question.positions.reduce(0) { $0 + $1.count } * question.points.count
        return subject.costOneByOne(readRows: rows)
    }

    func step(on compute: Compute) throws(LensError) -> Outcome? {
        if let work = current {
            if try work.step(on: compute) { return nil }
            finished.append(work.lens)
            current = nil
        } else if let prompt = prompts.popFirst() {
            current = try PromptWork(subject, question, prompt: prompt, on: compute)
            return nil
        }
        return prompts.isEmpty ? Outcome(prompts: finished) : nil
    }

    struct Outcome: KeptAnswer {
        /// Without the tokens' texts.
        var prompts: [PromptLens]

        func copied() -> Outcome { Outcome(prompts: prompts.copied()) }

        var byteCount: Int {
            prompts.reduce(0) { total, prompt in
                total + 4 * (2 * prompt.topTokens.count + 4 * prompt.logSums.count + prompt.tokenLogprobs.count)
                    + 8 * (prompt.nextRanks.count + prompt.tokenRanks.count) + 256
            }
        }
    }
}

/// One prompt: its rows of the residual stream, and what has been read off them.
private final class PromptWork {
    private let question: LogitLensJob.Question
    private let tokens: [Int32]
    private let positions: [Int]
    private let state: ForwardState
    /// Per point, `[row, dModel]`.
    private var streams: [Tensor] = []
    private var rowBlocks: ArraySlice<Range<Int>>
    private var block: (rows: Range<Int>, reference: PredictedRows, nextPoint: Int)?
    private(set) var lens: PromptLens

    init(
        _ subject: PassSubject, _ question: LogitLensJob.Question, prompt: Int, on compute: Compute
    ) throws(LensError) {
        self.question = question
        tokens = subject.recipe.tokens[prompt]
        positions = question.positions[prompt]
        let (batch, sequence) = subject.batch(of: prompt)
        let positions = self.positions
        var streams: [Tensor] = []
        var state = try subject.begin(prompts: batch)
        try subject.visit(question.points, in: &state, of: batch, on: compute) { state in
            streams.append(state.activation(of: sequence).gathering(positions))
        }
        self.streams = streams
        self.state = state
        // Logits of a block, the final ones and a copy fit into 64 MiB.
        let step = max((16 << 20) / (3 * max(subject.configuration.dVocab, 1)), 1)
        rowBlocks =
            stride(from: 0, to: positions.count, by: step).map {
                $0..<min($0 + step, positions.count)
            }[...]
        lens = PromptLens(tokens: [], positions: positions)
        let places = question.points.count * positions.count
        lens.topTokens = Array(repeating: 0, count: places * question.topCount)
        lens.topLogprobs = Array(repeating: 0, count: places * question.topCount)
        lens.logSums = Array(repeating: 0, count: places)
        lens.entropies = lens.logSums
        lens.divergences = lens.logSums
        lens.nextLogprobs = Array(repeating: .nan, count: places)
        lens.nextRanks = Array(repeating: -1, count: places)
        lens.tokenLogprobs = Array(repeating: 0, count: places * question.tokens.count)
        lens.tokenRanks = Array(repeating: 0, count: places * question.tokens.count)
    }

    /// Reads one point's predictions of one block of rows.
    ///
    /// - Returns: whether there was anything left to do.
    func step(on compute: Compute) throws(LensError) -> Bool {
        if block == nil { block = try nextBlock(on: compute) }
        guard var block else { return false }
        let logits = try state.logits(of: streams[block.nextPoint].rows(block.rows), on: compute)
        let asked = block.rows.map { row in question.tokens + next(behind: positions[row]) }
        let isFinal = block.nextPoint == question.points.count - 1
        let predictions = try compute.pool.predictions(
            logits, against: isFinal ? nil : block.reference, top: question.topCount, asking: asked,
            control: compute.control)
        for (row, prediction) in zip(block.rows, predictions) { put(prediction, point: block.nextPoint, row: row) }
        block.nextPoint += 1
        self.block = isFinal ? nil : block
        return true
    }

    private func nextBlock(
        on compute: Compute
    ) throws(LensError) -> (rows: Range<Int>, reference: PredictedRows, nextPoint: Int)? {
        guard let rows = rowBlocks.popFirst(), let final = streams.last else { return nil }
        let logits = try state.logits(of: final.rows(rows), on: compute)
        return (rows, try compute.pool.predictedRows(logits, control: compute.control), 0)
    }

    /// The token that comes next in the prompt; none behind the last.
    private func next(behind position: Int) -> [Int32] {
        tokens.indices.contains(position + 1) ? [tokens[position + 1]] : []
    }

    private func put(_ prediction: RowPrediction, point: Int, row: Int) {
        let place = point * positions.count + row
        lens.logSums[place] = Float(prediction.logSum)
        lens.entropies[place] = Float(prediction.entropy)
        lens.divergences[place] = Float(prediction.divergence)
        for (rank, candidate) in prediction.top.enumerated() {
            lens.topTokens[place * question.topCount + rank] = candidate.token
            lens.topLogprobs[place * question.topCount + rank] = candidate.logprob
        }
        for (index, token) in prediction.asked.enumerated() {
            if index < question.tokens.count {
                lens.tokenLogprobs[place * question.tokens.count + index] = token.logprob
                lens.tokenRanks[place * question.tokens.count + index] = Int(token.rank)
            } else {
                lens.nextLogprobs[place] = token.logprob
                lens.nextRanks[place] = Int(token.rank)
            }
        }
    }
}
