import LensCore
import LensTensor

/// One of a model's two forms: the checkpoint's own weights, or TransformerLens's default processing of them
/// (`fold_ln`, `center_writing_weights`, `center_unembed`, `fold_value_biases`).
///
/// No matrix is changed or copied. Folding and centring are linear, so they act on what goes into a matrix and what
/// comes out of it: with `n` a normalised row, `n · (w ⊙ W − mean(w ⊙ W)) = ((n − mean(n)) ⊙ w) · W`, and a product
/// with centred writing weights is the product minus its mean. Only biases differ, and those are small.
public struct WeightForm: Sendable {
    public let form: ModelReference.Form
    public let blocks: [BlockForm]
    public let unembedding: Unembedding
    let lnFinal: NormForm

    /// Whether what is written to the residual stream has its mean over `dModel` taken off.
    var centersWriting: Bool { form == .processed }

    /// How a normalised row enters the matrices behind a layer norm.
    struct NormForm: Sendable {
        let weight: Tensor
        /// `nil` where the bias is folded into the biases behind it.
        let bias: Tensor?
        let centers: Bool
    }

    /// One block's biases in this form; `nil` is zero.
    public struct BlockForm: Sendable {
        let ln1: NormForm
        let queryBias: Tensor?
        let keyBias: Tensor?
        let valueBias: Tensor?
        let outputBias: Tensor
        let ln2: NormForm
        let mlpInBias: Tensor
        let mlpOutBias: Tensor
    }

    /// The checkpoint's own weights.
    init(raw weights: ModelWeights) {
        func norm(_ norm: NormWeights) -> NormForm { NormForm(weight: norm.weight, bias: norm.bias, centers: false) }
        form = .raw
        blocks = weights.blocks.map { block in
            BlockForm(
                ln1: norm(block.ln1), queryBias: nil, keyBias: nil, valueBias: nil, outputBias: block.outputBias,
                ln2: norm(block.ln2), mlpInBias: block.mlpInBias, mlpOutBias: block.mlpOutBias)
        }
        unembedding = Unembedding(weight: weights.unembed, bias: nil, centre: nil)
        lnFinal = norm(weights.lnFinal)
    }

    /// TransformerLens's default processing.
    init(processed weights: ModelWeights, on pool: ComputePool, control: CallControl) throws(LensError) {
        func norm(_ norm: NormWeights) -> NormForm { NormForm(weight: norm.weight, bias: nil, centers: true) }
        /// `W · v (+ bias)`, the effect of a constant input.
        func effect(_ weight: Weight, of v: Tensor, plus bias: Tensor? = nil) throws(LensError) -> Tensor {
            let row = try pool.multiply(v.reshaped([1, v.count]), by: weight, control: control)
            guard let bias else { return row.reshaped([weight.outputs]) }
            return try pool.add(row.reshaped([weight.outputs]), bias, control: control)
        }
        form = .processed
        var blocks: [BlockForm] = []
        for block in weights.blocks {
            let valueBias = try effect(block.value, of: block.ln1.bias)
            blocks.append(
                BlockForm(
                    ln1: norm(block.ln1),
                    queryBias: try effect(block.query, of: block.ln1.bias),
                    keyBias: try effect(block.key, of: block.ln1.bias),
                    valueBias: nil,
                    // Every pattern row sums to one, so a constant in the values is a constant in the output.
                    outputBias: try effect(block.output, of: valueBias, plus: block.outputBias).centered(),
                    ln2: norm(block.ln2),
                    mlpInBias: try effect(block.mlpIn, of: block.ln2.bias, plus: block.mlpInBias),
                    mlpOutBias: block.mlpOutBias.centered()))
        }
        self.blocks = blocks
        unembedding = Unembedding(
            weight: weights.unembed,
            bias: try effect(weights.unembed, of: weights.lnFinal.bias).centered(),
            centre: weights.unembed.tensor.meanOfRows())
        lnFinal = norm(weights.lnFinal)
    }
}

extension Tensor {
    /// A vector minus its mean.
    fileprivate func centered() -> Tensor {
        let mean = Float(values.reduce(0.0) { $0 + Double($1) } / Double(max(count, 1)))
        return Tensor(values.map { $0 - mean }, shape: shape)
    }

    /// The mean over the first axis of `[row, width]`.
    fileprivate func meanOfRows() -> Tensor {
        let width = rowWidth
        var totals = [Double](repeating: 0, count: width)
        withPointer { pointer in
            for row in 0..<shape[0] {
                let values = pointer + row * width
                for column in 0..<width { totals[column] += Double(values[column]) }
            }
        }
        return Tensor(totals.map { Float($0 / Double(max(shape[0], 1))) }, shape: [width])
    }
}
