import CLensKernels
import Glibc
import LensCore

/// Adjoints of the last product.
extension ComputePool {
    /// Of ``logits(_:through:control:)``: `[row, vocab]` gives `[row, dModel]`.
    ///
    /// - Parameter x: what the logits were made from, `[row, dModel]`; looked at where they are capped.
    public func logitsBackward(
        _ gradient: Tensor, of x: Tensor, through unembedding: Unembedding, control: CallControl
    ) throws(LensError) -> Tensor {
        var gradient = gradient
        if let softCap = unembedding.softCap {
            let capped = try logits(x, through: unembedding, control: control)
            let count = gradient.count
            gradient.withMutablePointer { gradient in
                capped.withPointer { lens_soft_cap_backward($0, gradient, count, softCap) }
            }
        }
        var result = try multiplyBackward(gradient, through: unembedding.weight, control: control)
        guard let centre = unembedding.centre else { return result }
        let (vocab, width) = (unembedding.weight.outputs, unembedding.weight.inputs)
        let rows = gradient.shape[0]
        let given = gradient
        try result.withMutablePointer { (result) throws(LensError) in
            let result = Shared(result)
            try forRows(rows, width: vocab, control: control) { rows in
                withPointers(given, centre) { gradient, centre in
                    for row in rows {
                        let total = UnsafeBufferPointer(start: gradient + row * vocab, count: vocab)
                            .reduce(0.0) { $0 + Double($1) }
                        lens_add_scaled(result.pointer + row * width, centre, Float(-total), width)
                    }
                }
            }
        }
        return result
    }

    /// Adds to `target`, `[row, dModel]`, what comes back from single logits.
    ///
    /// - Parameters:
    ///   - entries: a row, a token in `0..<vocab` and the gradient with respect to its logit.
    ///   - x: what the logits were made from, `[row, dModel]`.
    public func addLogitsBackward(
        _ entries: [(row: Int, token: Int, gradient: Float)], of x: Tensor, through unembedding: Unembedding,
        to target: inout Tensor
    ) {
        let width = unembedding.weight.inputs
        target.withMutablePointer { target in
            unembedding.weight.tensor.withPointer { weight in
                for (row, token, gradient) in entries {
                    let slope = unembedding.slope(ofCapped: unembedding.logit(of: token, row: row, in: x))
                    let gradient = gradient * Float(slope)
                    lens_add_scaled(target + row * width, weight + token * width, gradient, width)
                    unembedding.centre?.withPointer { lens_add_scaled(target + row * width, $0, -gradient, width) }
                }
            }
        }
    }

    /// The loss ``crossEntropy(_:targets:through:control:)`` of each row and its gradient, in one go over the vocabulary.
    ///
    /// A block of logits becomes a block of exponentials, and those weigh the block's rows of the unembedding: the
    /// gradient is a running softmax average, as attention over the vocabulary would be. Neither logits nor
    /// probabilities ever exist as a whole.
    ///
    /// - Parameters:
    ///   - targets: one token per row of `x`, in `0..<vocab`.
    ///   - weights: per row, the gradient with respect to its loss.
    /// - Returns: `[row]` in nats, and `[row, dModel]`.
    public func crossEntropyGradient(
        _ x: Tensor, targets: [Int32], weights: [Float], through unembedding: Unembedding, control: CallControl
    ) throws(LensError) -> (losses: [Float], x: Tensor) {
        precondition(targets.count == x.shape[0] && weights.count == x.shape[0], "one target and weight per row")
        let rows = x.shape[0]
        let (vocab, width) = (unembedding.weight.outputs, unembedding.weight.inputs)
        let averages = try softmaxAverages(x, through: unembedding, control: control)
        var gradient = Tensor(uninitialized: [rows, width])
        var losses = [Float](repeating: 0, count: rows)
        // `centre` shifts all logits of a row alike, and the gradient over a row sums to nothing: it cancels out.
        gradient.withMutablePointer { gradient in
            unembedding.weight.tensor.withPointer { weight in
                for row in 0..<rows {
                    let target = min(max(Int(targets[row]), 0), vocab - 1)
                    let (logSum, parts) = averages.merged(row)
                    let logit = unembedding.uncentredLogit(of: target, row: row, in: x)
                    losses[row] = Float(logSum - logit)
                    let own = gradient + row * width
                    own.update(repeating: 0, count: width)
                    for (part, share) in parts {
                        part.withPointer { lens_add_scaled(own, $0, Float(share) * weights[row], width) }
                    }
                    let slope = Float(unembedding.slope(ofCapped: logit))
                    lens_add_scaled(own, weight + target * width, -weights[row] * slope, width)
                }
            }
        }
        return (losses, gradient)
    }

    /// Per row, the average of the unembedding's rows under the softmax of the logits, in parts that are not yet merged.
    private func softmaxAverages(
        _ x: Tensor, through unembedding: Unembedding, control: CallControl
    ) throws(LensError) -> SoftmaxAverages {
        let rows = x.shape[0]
        let (vocab, width) = (unembedding.weight.outputs, unembedding.weight.inputs)
        let layout = SoftmaxAverages.Layout(rows: rows, vocab: vocab, threads: threads)
        var averages = SoftmaxAverages(layout, width: width)
        try averages.withMutablePointers { (maxima, sums, totals) throws(LensError) in
            let (maxima, sums, totals) = (Shared(maxima), Shared(sums), Shared(totals))
            try run(blocks: layout.rowBlocks * layout.lanes, control: control) { block in
                let (lane, own) = (block / layout.rowBlocks, layout.rowRange(block % layout.rowBlocks))
                let state = lane * rows + own.lowerBound
                (maxima.pointer + state).update(repeating: -.infinity, count: own.count)
                (sums.pointer + state).update(repeating: 0, count: own.count)
                let total = totals.pointer + state * width
                total.update(repeating: 0, count: own.count * width)
                let size = own.count * layout.columnStep
                let scratch = UnsafeMutablePointer<Float>.allocate(capacity: 2 * size + own.count)
                defer { scratch.deallocate() }
                let factors = scratch + 2 * size
                for columns in layout.columnBlocks(of: lane) {
                    // A lane is long work; nobody waits for the rest of it.
                    if control.reason != nil { return }
                    withPointers(x, unembedding.weight.tensor) { x, weight in
                        let weight = weight + columns.lowerBound * width
                        multiplyTransposed(
                            x + own.lowerBound * width, strideA: width, rows: own.count, weight, strideB: width,
                            columns: columns.count, inner: width, into: scratch, strideC: columns.count)
                        let count = own.count * columns.count
                        withOptionalPointer(unembedding.bias) { bias in
                            let bias = unembedding.cap(
                                scratch, rows: own.count, columns: columns.count,
                                bias: bias.map { $0 + columns.lowerBound })
                            if unembedding.softCap != nil { (scratch + size).update(from: scratch, count: count) }
                            lens_softmax_block(
                                scratch, own.count, columns.count, columns.count, bias, maxima.pointer + state,
                                sums.pointer + state, factors)
                        }
                        // What comes back through a cap is less by its slope.
                        if let softCap = unembedding.softCap {
                            lens_soft_cap_backward(scratch + size, scratch, count, softCap)
                        }
                        for row in 0..<own.count where factors[row] != 1 {
                            lens_scale(total + row * width, width, factors[row])
                        }
                        multiplyPlain(
                            scratch, strideA: columns.count, rows: own.count, weight, strideB: width, columns: width,
                            inner: columns.count, into: total, strideC: width, adding: true)
                    }
                }
            }
        }
        return averages
    }
}

/// Running softmax averages over the vocabulary: each lane has a part of the vocabulary and a state of its own, so that
/// the sums do not depend on which thread was first.
private struct SoftmaxAverages {
    struct Layout: Sendable {
        let rows: Int
        let vocab: Int
        let rowBlocks: Int
        let lanes: Int
        /// A block of logits stays in the second-level cache.
        let columnStep = 512
        private let rowStep: Int

        init(rows: Int, vocab: Int, threads: Int) {
            self.rows = rows
            self.vocab = vocab
            rowStep = min(max(rows, 1), 384)
            rowBlocks = (rows + rowStep - 1) / rowStep
            let columnBlocks = max((vocab + columnStep - 1) / columnStep, 1)
            // Every thread has a block; one lane where the rows alone give enough of them.
            lanes = min(rowBlocks >= 2 * threads ? 1 : (threads + rowBlocks - 1) / max(rowBlocks, 1), columnBlocks)
        }

        func rowRange(_ block: Int) -> Range<Int> { block * rowStep..<min((block + 1) * rowStep, rows) }

        func columnBlocks(of lane: Int) -> [Range<Int>] {
            let blocks = (vocab + columnStep - 1) / columnStep
            return (lane * blocks / lanes..<(lane + 1) * blocks / lanes).map {
                $0 * columnStep..<min(($0 + 1) * columnStep, vocab)
            }
        }
    }

    let layout: Layout
    /// `[lane, row]`
    private var maxima: Tensor
    private var sums: Tensor
    /// `[lane, row, dModel]`
    private var totals: Tensor

    init(_ layout: Layout, width: Int) {
        self.layout = layout
        maxima = Tensor(uninitialized: [layout.lanes, layout.rows])
        sums = Tensor(uninitialized: [layout.lanes, layout.rows])
        totals = Tensor(uninitialized: [layout.lanes, layout.rows, width])
    }

    mutating func withMutablePointers(
        _ body: (
            UnsafeMutablePointer<Float>, UnsafeMutablePointer<Float>, UnsafeMutablePointer<Float>
        ) throws(LensError) -> Void
    ) throws(LensError) {
        try maxima.withMutablePointer { (maxima) throws(LensError) in
            try sums.withMutablePointer { (sums) throws(LensError) in
                try totals.withMutablePointer { (totals) throws(LensError) in try body(maxima, sums, totals) }
            }
        }
    }

    /// The row's log-sum-exp, and each lane's sum of rows of the unembedding with what it counts for.
    func merged(_ row: Int) -> (logSum: Double, parts: [(Tensor, Double)]) {
        let places = (0..<layout.lanes).map { $0 * layout.rows + row }
        let highest = places.map { place in maxima.withPointer { $0[place] } }.max() ?? -.infinity
        let shares = places.map { place in
            exp(Double(maxima.withPointer { $0[place] } - highest))
        }
        var total = 0.0
        for (place, share) in zip(places, shares) { total += share * Double(sums.withPointer { $0[place] }) }
        let width = totals.rowWidth / max(layout.rows, 1)
        let flat = totals.reshaped([layout.lanes * layout.rows, width])
        let parts = zip(places, shares).map { (flat.rows($0..<$0 + 1), $1 / total) }
        return (Double(highest) + log(total), parts)
    }
}
