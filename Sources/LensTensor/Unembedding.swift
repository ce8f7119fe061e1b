import CLensKernels
import Glibc
import LensCore

/// The last product, onto the vocabulary: `logits[v] = x · W[v] + bias[v] − x · centre`, capped where it says so.
///
/// `bias` and `centre` carry the processed form (folded layer norm, centred unembedding) without a second copy of the
/// matrix, which may be the embedding itself.
public struct Unembedding: Sendable {
    /// `[vocab, dModel]`
    public let weight: Weight
    /// `[vocab]`
    public let bias: Tensor?
    /// `[dModel]`
    public let centre: Tensor?
    /// Logits become `cap · tanh(logit / cap)`; `nil` leaves them. Capped logits have no `centre`.
    public let softCap: Float?

    public init(weight: Weight, bias: Tensor?, centre: Tensor?, softCap: Float? = nil) {
        self.weight = weight
        self.bias = bias
        self.centre = centre
        self.softCap = softCap
    }
}

extension ComputePool {
    /// The whole logits, `[row, vocab]`: only where somebody asked for them.
    public func logits(
        _ x: Tensor, through unembedding: Unembedding, control: CallControl
    ) throws(LensError) -> Tensor {
        var logits = try multiply(x, by: unembedding.weight, control: control)
        let vocab = unembedding.weight.outputs
        let width = unembedding.weight.inputs
        let rows = x.shape[0]
        try logits.withMutablePointer { (logits) throws(LensError) in
            let logits = Shared(logits)
            try forRows(rows, width: vocab, control: control) { rows in
                for row in rows {
                    let shift = unembedding.centre.map { centre in
                        x.withPointer { x in centre.withPointer { lens_dot(x + row * width, $0, width) } }
                    }
                    let target = logits.pointer + row * vocab
                    if let bias = unembedding.bias { bias.withPointer { lens_add(target, $0, vocab, target) } }
                    if let shift { for column in 0..<vocab { target[column] -= shift } }
                    if let softCap = unembedding.softCap { lens_soft_cap(target, vocab, softCap) }
                }
            }
        }
        return logits
    }

    /// `−log_softmax(logits)[target]` per row, block by block over the vocabulary: the logits never exist as a whole.
    ///
    /// - Parameter targets: one token per row of `x`, in `0..<vocab`.
    /// - Returns: `[row]`, in nats.
    public func crossEntropy(
        _ x: Tensor, targets: [Int32], through unembedding: Unembedding, control: CallControl
    ) throws(LensError) -> [Float] {
        precondition(targets.count == x.shape[0], "\(targets.count) targets for \(x.shape[0]) rows")
        let logSums = try logSumExp(x, through: unembedding, control: control)
        // `centre` shifts all logits of a row alike and so cancels out.
        return targets.indices.map { row in
            Float(logSums[row] - unembedding.uncentredLogit(of: Int(targets[row]), row: row, in: x))
        }
    }

    /// Per row, the log of the sum of `exp(x · W[v] + bias[v])`, capped where the unembedding caps.
    public func logSumExp(
        _ x: Tensor, through unembedding: Unembedding, control: CallControl
    ) throws(LensError) -> [Double] {
        let rows = x.shape[0]
        let width = unembedding.weight.inputs
        let vocab = unembedding.weight.outputs
        // The logits of a part of a block stay in the first-level cache until they are summed.
        let partColumns = ColumnBlock.columnsAtMost
        let partRows = 64
        let columnStep = 2 * partColumns
        let rowStep = 1024
        let rowBlocks = (rows + rowStep - 1) / rowStep
        let columnBlocks = (vocab + columnStep - 1) / columnStep
        // Each block keeps a state of its own, so that the sums do not depend on which thread was first.
        var maxima = Tensor(uninitialized: [columnBlocks, rows])
        var sums = Tensor(uninitialized: [columnBlocks, rows])
        try maxima.withMutablePointer { (maxima) throws(LensError) in
            try sums.withMutablePointer { (sums) throws(LensError) in
                let maxima = Shared(maxima)
                let sums = Shared(sums)
                try run(blocks: rowBlocks * columnBlocks, control: control) { block in
                    let first = block % rowBlocks * rowStep
                    let blockRows = first..<min(first + rowStep, rows)
                    let column = block / rowBlocks * columnStep
                    let state = block / rowBlocks * rows
                    (maxima.pointer + state + first).update(repeating: -.infinity, count: blockRows.count)
                    (sums.pointer + state + first).update(repeating: 0, count: blockRows.count)
                    let logits = ColumnBlock.scratch(
                        columns: partColumns, inner: width, more: partRows * partColumns)
                    let scratch = logits + partRows * partColumns
                    for start in stride(from: column, to: min(column + columnStep, vocab), by: partColumns) {
                        let columns = min(partColumns, vocab - start)
                        x.withPointer { x in
                            unembedding.weight.tensor.withPointer { w in
                                let part = ColumnBlock(
                                    w + start * width, stride: width, columns: columns, inner: width,
                                    rows: blockRows.count, scratch: scratch)
                                // Fetched with the last rows: what came earlier would be gone from the cache again.
                                let next = start + 2 * partColumns <= vocab ? w + (start + partColumns) * width : nil
                                for row in stride(from: first, to: blockRows.upperBound, by: partRows) {
                                    let count = min(partRows, blockRows.upperBound - row)
                                    part.multiply(
                                        x + row * width, stride: width, rows: count, into: logits, stride: columns,
                                        next: row + partRows < blockRows.upperBound ? nil : next)
                                    withOptionalPointer(unembedding.bias) { bias in
                                        let bias = unembedding.cap(
                                            logits, rows: count, columns: columns, bias: bias.map { $0 + start })
                                        lens_log_sum_exp_update(
                                            logits, count, columns, columns, bias, maxima.pointer + state + row,
                                            sums.pointer + state + row)
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
        return try joinSums(maxima: maxima, sums: sums, control: control)
    }

    /// The log-sum-exp of each row from the state of each block of columns, both `[block, row]`.
    private func joinSums(maxima: Tensor, sums: Tensor, control: CallControl) throws(LensError) -> [Double] {
        let (blocks, rows) = (maxima.shape[0], maxima.shape[1])
        var result = [Double](repeating: 0, count: rows)
        try result.withUnsafeMutableBufferPointer { (result) throws(LensError) in
            guard let base = result.baseAddress else { return }
            let target = Shared(base)
            try forRows(rows, width: 64 * blocks, control: control) { range in
                maxima.withPointer { maxima in
                    sums.withPointer { sums in
                        for row in range {
                            var highest = -Float.infinity
                            for block in 0..<blocks { highest = max(highest, maxima[block * rows + row]) }
                            var total = 0.0
                            for block in 0..<blocks {
                                let index = block * rows + row
                                total += Double(sums[index]) * exp(Double(maxima[index] - highest))
                            }
                            target.pointer[row] = Double(highest) + log(total)
                        }
                    }
                }
            }
        }
        return result
    }
}

extension Unembedding {
    /// Caps a block of products, in place, after adding the bias, where logits are capped.
    ///
    /// - Returns: the bias that is still to be added.
    func cap(
        _ logits: UnsafeMutablePointer<Float>, rows: Int, columns: Int, bias: UnsafePointer<Float>?
    ) -> UnsafePointer<Float>? {
        guard let softCap else { return bias }
        lens_finish_rows(logits, rows, columns, columns, 0, bias)
        lens_soft_cap(logits, rows * columns, softCap)
        return nil
    }

    /// One logit capped.
    func capped(_ logit: Double) -> Double {
        guard let softCap else { return logit }
        return Double(softCap) * tanh(logit / Double(softCap))
    }

    /// How fast a capped logit grows with what it was made from.
    func slope(ofCapped logit: Double) -> Double {
        guard let softCap else { return 1 }
        return 1 - logit * logit / Double(softCap * softCap)
    }
}
