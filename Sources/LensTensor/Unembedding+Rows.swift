import CLensKernels
import Glibc
import LensCore

/// Questions about a few logits, answered without making the others.
extension Unembedding {
    /// One token's logit of one row of `x`, `[row, dModel]`.
    public func logit(of token: Int, row: Int, in x: Tensor) -> Double {
        let width = weight.inputs
        let shift = centre.map { centre in
            x.withPointer { x in centre.withPointer { Double(lens_dot(x + row * width, $0, width)) } }
        }
        return uncentredLogit(of: token, row: row, in: x) - (shift ?? 0)
    }

    /// The same without what all logits of the row share, as ``ComputePool/logSumExp(_:through:control:)`` has it.
    public func uncentredLogit(of token: Int, row: Int, in x: Tensor) -> Double {
        let width = weight.inputs
        let logit = x.withPointer { x in
            weight.tensor.withPointer { Double(lens_dot(x + row * width, $0 + token * width, width)) }
        }
        return capped(logit + (bias.map { bias in bias.withPointer { Double($0[token]) } } ?? 0))
    }
}

/// A row's next-token distribution as a reference that others are held against.
///
/// Logits that are not capped are linear in the row, so the mean of another row's logits under this distribution is a
/// product with one vector: `KL(p ‖ q) = (x_p − x_q) · mean + logSum_q − logSum_p`, and the vocabulary is met for the sums only.
public struct ReferenceDistributions: Sendable {
    /// `[row, dModel]`: the rows themselves.
    public let x: Tensor
    /// `[row, dModel]`: `Σ p(v) W[v]`.
    public let means: Tensor
    public let logSums: [Double]

    /// `KL(p ‖ q)` in nats, with `p` this reference's row.
    ///
    /// - Parameters:
    ///   - other: `q`'s row of `[row, dModel]`.
    ///   - logSum: of `q`'s logits, as ``ComputePool/logSumExp(_:through:control:)`` gives it.
    public func divergence(of row: Int, to other: Int, in others: Tensor, logSum: Double) -> Double {
        let width = x.rowWidth
        return x.withPointer { x in
            others.withPointer { others in
                means.withPointer { means in
                    var dot = 0.0
                    for column in 0..<width {
                        let difference = Double(x[row * width + column]) - Double(others[other * width + column])
                        dot += difference * Double(means[row * width + column])
                    }
                    return max(dot + logSum - logSums[row], 0)
                }
            }
        }
    }
}

extension ComputePool {
    /// The next-token distributions of rows, kept as what ``ReferenceDistributions`` needs of them.
    ///
    /// - Parameter x: `[row, dModel]` as the unembedding takes it.
    /// - Throws: `INTERNAL` where logits are capped.
    public func reference(
        _ x: Tensor, through unembedding: Unembedding, control: CallControl
    ) throws(LensError) -> ReferenceDistributions {
        guard unembedding.softCap == nil else { throw LensError(.internal, "capped logits are not linear in the row") }
        let (rows, width, vocab) = (x.shape[0], x.rowWidth, unembedding.weight.outputs)
        var means = Tensor(uninitialized: [rows, width])
        var logSums: [Double] = []
        // Some rows at a time, so that the probabilities fit into 64 MiB.
        let step = max((16 << 20) / max(vocab, 1), 1)
        for first in stride(from: 0, to: rows, by: step) {
            let part = first..<min(first + step, rows)
            let own = x.rows(part)
            let sums = try logSumExp(own, through: unembedding, control: control)
            var probabilities = try multiply(own, by: unembedding.weight, control: control)
            try probabilities.withMutablePointer { (values) throws(LensError) in
                let values = Shared(values)
                try forRows(part.count, width: vocab, control: control) { range in
                    for row in range {
                        let target = values.pointer + row * vocab
                        unembedding.bias?.withPointer { lens_add(target, $0, vocab, target) }
                        let sum = sums[row]
                        for token in 0..<vocab { target[token] = Float(exp(Double(target[token]) - sum)) }
                    }
                }
            }
            try means.withMutablePointer { (means) throws(LensError) in
                let means = Shared(means)
                let columnStep = 64
                let probabilities = probabilities
                try run(blocks: (width + columnStep - 1) / columnStep, control: control) { block in
                    let column = block * columnStep
                    probabilities.withPointer { probabilities in
                        unembedding.weight.tensor.withPointer { weight in
                            multiplyPlain(
                                probabilities, strideA: vocab, rows: part.count, weight + column, strideB: width,
                                columns: min(columnStep, width - column), inner: vocab,
                                into: means.pointer + part.lowerBound * width + column, strideC: width)
                        }
                    }
                }
            }
            logSums += sums
        }
        return ReferenceDistributions(x: x, means: means, logSums: logSums)
    }
}
