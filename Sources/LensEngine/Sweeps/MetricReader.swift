import Glibc
import LensCore
import LensModel
import LensTensor

/// Reads metrics off the end of passes: only the rows that a metric asks for meet the vocabulary, and of these only
/// blocks of logits ever exist.
struct MetricReader: Sendable {
    /// What was read of one sequence.
    struct Reading: Sendable {
        /// `[pos − 1]`, in nats; empty where no loss was asked for.
        var losses: [Float] = []
        /// One per metric; NaN for the losses.
        var values: [Double]
    }

    let metrics: [Metric]
    /// Tokens of each prompt.
    private let lengths: [Int]
    private let wantsLosses: Bool

    /// - Throws: `INVALID_ARGUMENT` for tokens and positions that are out of range or neither one nor one per prompt.
    init(_ metrics: [Metric], lengths: [Int], configuration: ModelConfiguration) throws(LensError) {
        guard !metrics.isEmpty else { throw .invalidArgument("a sweep needs at least one metric; received none") }
        guard metrics.count <= 16 else {
            throw .invalidArgument("a sweep has at most 16 metrics; received \(metrics.count)")
        }
        self.metrics = metrics
        self.lengths = lengths
        wantsLosses = metrics.contains { $0.kind.isLoss }
        for metric in metrics { try Self.check(metric, lengths: lengths, configuration: configuration) }
    }

    var needsReference: Bool { metrics.contains { $0.kind == .divergence } }

    /// How many numbers a metric has per variant.
    func width(of metric: Metric) -> Int {
        metric.kind == .tokenLoss ? lengths.reduce(0) { $0 + $1 - 1 } : lengths.count
    }

    /// How many rows may be read in one go: some tenths of a second where they meet the vocabulary.
    func rowsAtATime(_ configuration: ModelConfiguration) -> Int {
        guard metrics.contains(where: { $0.kind.meetsVocabulary }) else { return 1 << 16 }
        let operations = 2 * Double(configuration.dVocab) * Double(configuration.dModel)
        return min(max(Int(6e10 / max(operations, 1)), 64), 1 << 14)
    }

    // MARK: - Rows

    /// The positions of a prompt whose logits are asked for, ascending.
    func positions(of prompt: Int) -> [Int] {
        let last = lengths[prompt] - 1
        var wanted = Set<Int>()
        if wantsLosses { wanted.formUnion(0..<last) }
        for metric in metrics { wanted.formUnion(positions(metric, of: prompt)) }
        return wanted.sorted()
    }

    /// The positions that one metric reads of a prompt, the losses apart.
    private func positions(_ metric: Metric, of prompt: Int) -> [Int] {
        let length = lengths[prompt]
        switch metric.kind {
        case .loss, .tokenLoss: return []
        case .divergence where metric.positions.isEmpty: return Array(0..<length)
        case .logit, .logitDifference, .probability, .divergence:
            let position = metric.positions.isEmpty ? -1 : metric.positions.ofPrompt(prompt)
            return [position < 0 ? position + length : position]
        }
    }

    /// Whether the sum over the vocabulary is needed at a position.
    private func needsSum(at position: Int, of prompt: Int) -> Bool {
        if wantsLosses, position < lengths[prompt] - 1 { return true }
        return metrics.contains {
            ($0.kind == .probability || $0.kind == .divergence) && positions($0, of: prompt).contains(position)
        }
    }

    // MARK: - Reading

    /// Rows of one or several sequences as the unembedding sees them.
    fileprivate enum Rows {
        case normalized(Tensor, logSums: [Double])
        case logits(Tensor)
    }

    /// What the divergence of a prompt's edited runs is held against.
    enum Reference: Sendable {
        case normalized(ReferenceDistributions)
        case logits(Tensor)
    }

    /// Reads some sequences of a pass.
    ///
    /// - Parameters:
    ///   - prompts: which prompt each sequence of the pass is.
    ///   - references: by prompt, rows as ``positions(of:)`` says; needed for a divergence only.
    func read(
        _ sequences: Range<Int>, of state: inout ForwardState, prompts: [Int], references: [Int: Reference],
        on compute: Compute
    ) throws(LensError) -> [Reading] {
        // Whole logits for a divergence, prompt by prompt: capped ones are not linear in the row.
        if sequences.count > 1, needsLogits(state) {
            var readings: [Reading] = []
            for sequence in sequences {
                readings += try read(
                    sequence..<sequence + 1, of: &state, prompts: prompts, references: references, on: compute)
            }
            return readings
        }
        var wanted: [Int] = []
        var summed: [Int] = []
        for sequence in sequences {
            let first = state.rowRange(of: sequence).lowerBound
            for position in positions(of: prompts[sequence]) {
                if needsSum(at: position, of: prompts[sequence]) { summed.append(wanted.count) }
                wanted.append(first + position)
            }
        }
        let rows = try self.rows(wanted, summed: summed, of: &state, on: compute)
        var readings: [Reading] = []
        var next = 0
        for sequence in sequences {
            let prompt = prompts[sequence]
            readings.append(
                read(
                    rows, from: next, tokens: state.tokens[sequence], prompt: prompt, reference: references[prompt],
                    unembedding: state.form.unembedding))
            next += positions(of: prompt).count
        }
        return readings
    }

    /// The unedited run's distributions, for the divergence of the others.
    func reference(
        of sequence: Int, prompt: Int, in state: inout ForwardState, on compute: Compute
    ) throws(LensError) -> Reference {
        let first = state.rowRange(of: sequence).lowerBound
        let wanted = positions(of: prompt).map { first + $0 }
        if let logits = state.logitRows(wanted) { return .logits(logits) }
        let x = try state.finalRows(wanted, on: compute)
        if needsLogits(state) {
            return .logits(try compute.pool.logits(x, through: state.form.unembedding, control: compute.control))
        }
        return .normalized(
            try compute.pool.reference(x, through: state.form.unembedding, control: compute.control))
    }

    private func needsLogits(_ state: ForwardState) -> Bool {
        state.form.unembedding.softCap != nil && metrics.contains { $0.kind == .divergence }
    }

    private func rows(
        _ wanted: [Int], summed: [Int], of state: inout ForwardState, on compute: Compute
    ) throws(LensError) -> Rows {
        // A single token has no loss to read.
        guard !wanted.isEmpty else { return .normalized(Tensor(uninitialized: [0, 0]), logSums: []) }
        if let logits = state.logitRows(wanted) { return .logits(logits) }
        let x = try state.finalRows(wanted, on: compute)
        if needsLogits(state) {
            return .logits(try compute.pool.logits(x, through: state.form.unembedding, control: compute.control))
        }
        var logSums = [Double](repeating: .nan, count: wanted.count)
        if !summed.isEmpty {
            let own = summed.count == wanted.count ? x : x.selectingRows(summed)
            let sums = try compute.pool.logSumExp(own, through: state.form.unembedding, control: compute.control)
            for (row, sum) in zip(summed, sums) { logSums[row] = sum }
        }
        return .normalized(x, logSums: logSums)
    }

    private func read(
        _ rows: Rows, from first: Int, tokens: [Int32], prompt: Int, reference: Reference?, unembedding: Unembedding
    ) -> Reading {
        let positions = positions(of: prompt)
        let rowOf = Dictionary(uniqueKeysWithValues: positions.enumerated().map { ($1, $0) })
        func logit(_ token: Int32, _ row: Int) -> Double { rows.logit(Int(token), first + row, unembedding) }
        func probability(_ token: Int32, _ row: Int) -> Double {
            rows.logProbability(Int(token), first + row, unembedding)
        }
        var reading = Reading(values: Array(repeating: .nan, count: metrics.count))
        if wantsLosses {
            reading.losses = (0..<tokens.count - 1).map { position in
                rowOf[position].map { Float(-probability(tokens[position + 1], $0)) } ?? .nan
            }
        }
        for (index, metric) in metrics.enumerated() {
            let own = self.positions(metric, of: prompt).compactMap { rowOf[$0] }
            guard let row = own.first else { continue }
            switch metric.kind {
            case .loss, .tokenLoss: break
            case .logit: reading.values[index] = logit(metric.tokens.ofPrompt(prompt), row)
            case .logitDifference:
                reading.values[index] =
                    logit(metric.tokens.ofPrompt(prompt), row) - logit(metric.wrongTokens.ofPrompt(prompt), row)
            case .probability:
                reading.values[index] = exp(probability(metric.tokens.ofPrompt(prompt), row))
            case .divergence:
                guard let reference else { continue }
                let sum = own.reduce(0.0) { $0 + rows.divergence(from: reference, row: $1, at: first + $1) }
                reading.values[index] = sum / Double(own.count)
            }
        }
        return reading
    }

    // MARK: - Checking

    private static func check(
        _ metric: Metric, lengths: [Int], configuration: ModelConfiguration
    ) throws(LensError) {
        let name = metric.kind.rawValue
        func check(_ tokens: [Int32], _ word: String, isNeeded: Bool) throws(LensError) {
            guard isNeeded else {
                guard tokens.isEmpty else { throw .invalidArgument("the metric '\(name)' takes no \(word)") }
                return
            }
            guard tokens.count == 1 || tokens.count == lengths.count else {
                throw .invalidArgument(
                    "the metric '\(name)' takes one \(word) or one per prompt (\(lengths.count)); "
                        + "received \(tokens.count)")
            }
            for token in tokens where token < 0 || Int(token) >= configuration.dVocab {
                throw .outOfRange("\(word) of the metric '\(name)'", token, 0..<configuration.dVocab)
            }
        }
        try check(metric.tokens, "token", isNeeded: metric.kind.needsToken)
        try check(metric.wrongTokens, "wrong token", isNeeded: metric.kind == .logitDifference)
        let positions = metric.positions
        guard positions.isEmpty || !metric.kind.isLoss else {
            throw .invalidArgument("the metric '\(name)' is read at all positions and takes none")
        }
        guard positions.count <= 1 || positions.count == lengths.count else {
            throw .invalidArgument(
                "the metric '\(name)' takes one position or one per prompt (\(lengths.count)); "
                    + "received \(positions.count)")
        }
        guard !positions.isEmpty else { return }
        for (prompt, length) in lengths.enumerated() {
            let position = positions.ofPrompt(prompt)
            guard (-length..<length).contains(position) else {
                throw .outOfRange("position of the metric '\(name)' in prompt \(prompt)", position, -length..<length)
            }
        }
    }
}

// MARK: - One row

extension MetricReader.Rows {
    fileprivate func logit(_ token: Int, _ row: Int, _ unembedding: Unembedding) -> Double {
        switch self {
        case .normalized(let x, _): unembedding.logit(of: token, row: row, in: x)
        case .logits(let logits): logits.withPointer { Double($0[row * logits.rowWidth + token]) }
        }
    }

    fileprivate func logProbability(_ token: Int, _ row: Int, _ unembedding: Unembedding) -> Double {
        switch self {
        case .normalized(let x, let logSums):
            // The sums leave out what shifts all logits of a row alike.
            unembedding.uncentredLogit(of: token, row: row, in: x) - logSums[row]
        case .logits(let logits): logits.logProbability(of: token, row: row)
        }
    }

    fileprivate func divergence(from reference: MetricReader.Reference, row: Int, at own: Int) -> Double {
        switch (self, reference) {
        case (.normalized(let x, let logSums), .normalized(let distributions)):
            return distributions.divergence(of: row, to: own, in: x, logSum: logSums[own])
        case (.logits(let logits), .logits(let others)):
            return others.divergence(of: row, to: own, in: logits)
        default: return .nan
        }
    }
}

extension Tensor {
    fileprivate func logProbability(of token: Int, row: Int) -> Double {
        withPointer { values in
            let row = UnsafeBufferPointer(start: values + row * rowWidth, count: rowWidth)
            return Double(row[token]) - row.logSumExp()
        }
    }

    /// `KL(p ‖ q)` of two rows of logits, `p` this tensor's.
    fileprivate func divergence(of row: Int, to other: Int, in others: Tensor) -> Double {
        withPointer { values in
            others.withPointer { otherValues in
                let p = UnsafeBufferPointer(start: values + row * rowWidth, count: rowWidth)
                let q = UnsafeBufferPointer(start: otherValues + other * rowWidth, count: rowWidth)
                let (pSum, qSum) = (p.logSumExp(), q.logSumExp())
                var total = 0.0
                for index in p.indices {
                    let logP = Double(p[index]) - pSum
                    // A token that p rules out takes nothing from q, whatever q says.
                    if logP > -.infinity { total += exp(logP) * (logP - Double(q[index]) + qSum) }
                }
                return total
            }
        }
    }

    /// Entries of the first axis, in that order.
    func selectingRows(_ rows: [Int]) -> Tensor { .stacking(rows.map { (self, $0..<$0 + 1) }) }
}

extension Metric.Kind {
    var isLoss: Bool { self == .loss || self == .tokenLoss }

    /// Whether it is about a token.
    var needsToken: Bool { self == .logit || self == .logitDifference || self == .probability }

    /// Whether it needs the sum over the vocabulary.
    var meetsVocabulary: Bool { isLoss || self == .probability || self == .divergence }
}

extension Array {
    /// One for all prompts, or one per prompt; never called on an empty one.
    fileprivate func ofPrompt(_ prompt: Int) -> Element { self[count == 1 ? 0 : prompt] }
}
