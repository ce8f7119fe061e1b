import LensCore
import LensTensor

/// One of a model's two forms: the checkpoint's own weights, or TransformerLens's default processing of them
/// (`fold_ln`, `center_writing_weights`, `center_unembed`, `fold_value_biases`, as far as they are valid for the model).
///
/// No matrix is changed or copied. Folding and centring are linear, so they act on what goes into a matrix and what
/// comes out of it: with `n` a normalised row, `n · (w ⊙ W − mean(w ⊙ W)) = ((n − mean(n)) ⊙ w) · W`, and a product
/// with centred writing weights is the product minus its mean. Only biases differ, and those are small.
public struct WeightForm: Sendable {
    public let form: ModelReference.Form
    public let blocks: [BlockForm]
    public let unembedding: Unembedding
    /// What was done to the checkpoint's weights.
    public let steps: [ProcessingStep]
    /// `nil` where rows stay as they are.
    let lnFinal: NormForm?

    /// Whether what is written to the residual stream has its mean over `dModel` taken off.
    var centersWriting: Bool { steps.contains(.centerWritingWeights) }

    /// How a normalised row enters the matrices behind a norm.
    struct NormForm: Sendable {
        /// Ones where the norm has no weight.
        let weight: Tensor
        /// `nil` where there is none, or it is folded into the biases behind it.
        let bias: Tensor?
        let centers: Bool
    }

    /// One block's norms and biases in this form; a bias that is `nil` is zero.
    public struct BlockForm: Sendable {
        var ln1: NormForm?
        /// Behind the attention: `ln1_post`, or `ln1` where norms stand behind.
        var attnOutNorm: NormForm?
        var queryBias: Tensor?
        var keyBias: Tensor?
        var valueBias: Tensor?
        var outputBias: Tensor?
        var ln2: NormForm?
        var mlpOutNorm: NormForm?
        var gateBias: Tensor?
        var mlpInBias: Tensor?
        /// Of `solu_ln`: before `hook_post` with the checkpoint's own weights, behind it where it is folded.
        var mlpNorm: NormForm?
        var mlpOutBias: Tensor?
    }

    /// The checkpoint's own weights.
    init(raw weights: ModelWeights, _ c: ModelConfiguration) {
        form = .raw
        steps = []
        let hasNorms = c.normalizationType != .none
        func norm(_ norm: NormParts<Tensor>?, _ width: Int) -> NormForm? {
            hasNorms ? NormForm(norm, width: width, centers: false) : nil
        }
        blocks = weights.blocks.map { block in
            var own = BlockForm(block, c)
            own.ln1 = c.normPlacement == .after ? nil : norm(block.ln1, c.dModel)
            own.ln2 = c.normPlacement == .after || c.attnOnly ? nil : norm(block.ln2, c.dModel)
            own.mlpNorm = c.actFn.hasNorm ? NormForm(block.mlp?.norm, width: c.dMLP, centers: false) : nil
            return own
        }
        unembedding = Unembedding(
            weight: weights.unembed.matrix, bias: weights.unembed.bias, centre: nil, softCap: c.outputLogitsSoftCap)
        lnFinal = norm(weights.lnFinal, c.dModel)
    }

    /// TransformerLens's default processing, as far as it is valid for the model.
    init(
        processed weights: ModelWeights, _ c: ModelConfiguration, on pool: ComputePool, control: CallControl
    ) throws(LensError) {
        let plain = WeightForm(raw: weights, c)
        let steps = c.processingSteps
        let folder = BiasFolder(pool: pool, control: control)
        let centers = c.normalizationType == .layerNorm
        form = .processed
        self.steps = steps
        var blocks: [BlockForm] = []
        for (block, raw) in zip(weights.blocks, plain.blocks) {
            var own = raw
            if steps.contains(.foldLn) {
                let bias = block.ln1?.bias
                own.ln1 = raw.ln1?.folded(centers: centers)
                own.queryBias = try folder.bias(of: block.query, for: bias)
                own.keyBias = try folder.bias(of: block.key, for: bias)
                own.valueBias = try folder.bias(of: block.value, for: bias)
                own.ln2 = raw.ln2?.folded(centers: centers)
                if let mlp = block.mlp {
                    if let gate = mlp.gate { own.gateBias = try folder.bias(of: gate, for: block.ln2?.bias) }
                    own.mlpInBias = try folder.bias(of: mlp.input, for: block.ln2?.bias)
                    own.mlpOutBias = try folder.bias(of: mlp.output, for: mlp.norm?.bias)
                    own.mlpNorm = raw.mlpNorm?.folded(centers: centers)
                }
            }
            if steps.contains(.foldValueBiases), let valueBias = own.valueBias {
                // Every pattern row sums to one, so a constant in the values is a constant in the output.
                let perHead = valueBias.reshaped([c.nKeyValueHeads, c.dHead])
                    .repeatingRows(c.nHeads / c.nKeyValueHeads).reshaped([c.nHeads * c.dHead])
                own.outputBias = try folder.bias(of: block.output, for: perHead)
                own.valueBias = nil
            }
            if steps.contains(.centerWritingWeights) {
                own.outputBias = own.outputBias?.centered()
                own.mlpOutBias = own.mlpOutBias?.centered()
            }
            blocks.append(own)
        }
        self.blocks = blocks
        let isFolded = steps.contains(.foldLn)
        let isCentred = steps.contains(.centerUnembed)
        let bias = try isFolded ? folder.bias(of: weights.unembed, for: weights.lnFinal?.bias) : weights.unembed.bias
        unembedding = Unembedding(
            weight: weights.unembed.matrix, bias: isCentred ? bias?.centered() : bias,
            centre: isCentred ? weights.unembed.weight.meanOfRows() : nil, softCap: c.outputLogitsSoftCap)
        lnFinal = isFolded ? plain.lnFinal?.folded(centers: centers && !c.finalRMS) : plain.lnFinal
    }
}

extension WeightForm.NormForm {
    fileprivate init(_ norm: NormParts<Tensor>?, width: Int, centers: Bool) {
        let weight = norm?.weight ?? Tensor(Array(repeating: 1, count: width), shape: [width])
        self.init(weight: weight, bias: norm?.bias, centers: centers)
    }

    /// The norm with its bias folded into what is behind it.
    fileprivate func folded(centers: Bool) -> Self { Self(weight: weight, bias: nil, centers: centers) }
}

extension WeightForm.BlockForm {
    /// What no processing changes, and biases as the checkpoint has them.
    fileprivate init(_ block: BlockWeights, _ c: ModelConfiguration) {
        typealias NormForm = WeightForm.NormForm
        switch c.normPlacement {
        case .before: break
        case .beforeAndAfter:
            attnOutNorm = NormForm(block.ln1Post, width: c.dModel, centers: false)
            mlpOutNorm = NormForm(block.ln2Post, width: c.dModel, centers: false)
        case .after:
            attnOutNorm = NormForm(block.ln1, width: c.dModel, centers: false)
            mlpOutNorm = NormForm(block.ln2, width: c.dModel, centers: false)
        }
        queryBias = block.query.bias
        keyBias = block.key.bias
        valueBias = block.value.bias
        outputBias = block.output.bias
        gateBias = block.mlp?.gate?.bias
        mlpInBias = block.mlp?.input.bias
        mlpOutBias = block.mlp?.output.bias
    }
}

/// Folds a constant that enters a linear layer into its bias.
private struct BiasFolder {
    let pool: ComputePool
    let control: CallControl

    /// `W · v + bias`, either of which may be absent.
    func bias(of layer: LinearParts<Tensor>, for v: Tensor?) throws(LensError) -> Tensor? {
        guard let v else { return layer.bias }
        let effect = try pool.multiply(v.reshaped([1, v.count]), by: layer.matrix, control: control)
            .reshaped([layer.matrix.outputs])
        guard let bias = layer.bias else { return effect }
        return try pool.add(effect, bias, control: control)
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
            // Without bounds checks the loop is vectorised; the embedding has fifty million elements.
            totals.withUnsafeMutableBufferPointer { totals in
                for row in 0..<shape[0] {
                    let values = pointer + row * width
                    for column in 0..<width { totals[column] += Double(values[column]) }
                }
            }
        }
        return Tensor(totals.map { Float($0 / Double(max(shape[0], 1))) }, shape: [width])
    }
}
