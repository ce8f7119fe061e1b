import LensCore
import LensTensor

/// One term of a scalar made from a pass's predictions: a token's logit or log-probability at a position, weighted.
public struct PredictionTerm: Sendable, Hashable {
    public enum Quantity: Sendable, Hashable { case logit, logProbability }

    public var quantity: Quantity
    public var sequence: Int
    public var position: Int
    public var token: Int
    public var weight: Float

    public init(_ quantity: Quantity, sequence: Int, position: Int, token: Int, weight: Float) {
        self.quantity = quantity
        self.sequence = sequence
        self.position = position
        self.token = token
        self.weight = weight
    }
}

extension BackwardState {
    /// Adds the gradient of a sum of terms; the state stands at the logits, or at the last point before them where
    /// nobody asks for those: then only the positions that are named meet the vocabulary.
    ///
    /// - Returns: each term's logit or log-probability, before its weight.
    /// - Throws: `INVALID_ARGUMENT` for a sequence, position or token out of range.
    public mutating func add(_ terms: [PredictionTerm], on compute: Compute) throws(LensError) -> [Double] {
        for (index, term) in terms.enumerated() { try check(term, index) }
        if terms.isEmpty { return [] }
        if point.kind == .logits { return try addToLogits(terms, on: compute) }
        guard point == configuration.pointBeforeLogits else {
            throw LensError(.internal, "the backward pass stands at \(point), which predicts nothing")
        }
        let rows = Set(terms.map(row)).sorted()
        let places = Dictionary(uniqueKeysWithValues: rows.enumerated().map { ($1, $0) })
        let order = terms.map { places[row($0)] ?? 0 }
        var state = tape.state
        let input = try state.finalRows(rows, on: compute)
        var gradient = Tensor(zeros: input.shape)
        let values = try compute.pool.predictionGradient(
            terms, rows: order, input: input, through: tape.form.unembedding, addingTo: &gradient,
            control: compute.control)
        if tape.form.lnFinal == nil {
            residual.addRows(gradient, at: rows)
        } else {
            var normalized = take(.lnFinalNormalized)
            normalized.addRows(try compute.enterBackward(tape.form.lnFinal, gradient), at: rows)
            live[.lnFinalNormalized] = normalized
        }
        return values
    }

    private func row(_ term: PredictionTerm) -> Int { tape.rows[term.sequence].lowerBound + term.position }

    private func check(_ term: PredictionTerm, _ index: Int) throws(LensError) {
        guard tape.rows.indices.contains(term.sequence) else {
            throw .outOfRange("term \(index)'s prompt", term.sequence, tape.rows.indices)
        }
        let length = tape.rows[term.sequence].count
        guard (0..<length).contains(term.position) else {
            throw .outOfRange("term \(index)'s position", term.position, 0..<length)
        }
        guard (0..<configuration.dVocab).contains(term.token) else {
            throw .outOfRange("term \(index)'s token", term.token, 0..<configuration.dVocab)
        }
    }

    /// From logits that exist because somebody edited them or wants their gradient.
    private mutating func addToLogits(_ terms: [PredictionTerm], on compute: Compute) throws(LensError) -> [Double] {
        var state = tape.state
        try state.advance(to: HookPoint(.logits), on: compute)
        let logits = try state.live.take(.logits)
        var gradient = take(.logits)
        let vocab = logits.rowWidth
        var values: [Double] = []
        for term in terms {
            try compute.control.check()
            let first = row(term) * vocab
            let value = logits.withPointer { logits in
                gradient.withMutablePointer { gradient in
                    let own = UnsafeBufferPointer(start: logits + first, count: vocab)
                    gradient[first + term.token] += term.weight
                    guard term.quantity == .logProbability else { return Double(own[term.token]) }
                    let logSum = own.logSumExp()
                    own.subtractProbabilities(logSum: logSum, weight: term.weight, from: gradient + first)
                    return Double(own[term.token]) - logSum
                }
            }
            values.append(value)
        }
        live[.logits] = gradient
        return values
    }
}

extension ComputePool {
    /// The values of terms over rows of `input`, `[row, dModel]`; their gradient is added to `gradient`.
    fileprivate func predictionGradient(
        _ terms: [PredictionTerm], rows: [Int], input: Tensor, through unembedding: Unembedding,
        addingTo gradient: inout Tensor, control: CallControl
    ) throws(LensError) -> [Double] {
        var values = [Double](repeating: 0, count: terms.count)
        let probabilities = terms.indices.filter { terms[$0].quantity == .logProbability }
        if !probabilities.isEmpty {
            // A loss is a log-probability with the other sign.
            let (losses, part) = try crossEntropyGradient(
                input.gathering(probabilities.map { rows[$0] }),
                targets: probabilities.map { Int32(truncatingIfNeeded: terms[$0].token) },
                weights: probabilities.map { -terms[$0].weight }, through: unembedding, control: control)
            for (index, loss) in zip(probabilities, losses) { values[index] = -Double(loss) }
            gradient.addRows(part, at: probabilities.map { rows[$0] })
        }
        let single = terms.indices.filter { terms[$0].quantity == .logit }
        addLogitsBackward(
            single.map { (rows[$0], terms[$0].token, terms[$0].weight) }, of: input, through: unembedding, to: &gradient
        )
        for index in single {
            values[index] = unembedding.logit(of: terms[index].token, row: rows[index], in: input)
        }
        return values
    }
}
