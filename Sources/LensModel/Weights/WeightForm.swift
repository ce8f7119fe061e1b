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
    /// Behind the embedding, where there is one.
    let embedNorm: NormForm?
    /// `nil` where rows stay as they are.
    let lnFinal: NormForm?

    /// Whether the MLPs' own norm, of `solu_ln`, is folded into the matrices behind it.
    var foldsMLPNorm: Bool { steps.contains(.foldLn) }

    /// Whether what is written to the residual stream has its mean over `dModel` taken off.
    var centersWriting: Bool { steps.contains(.centerWritingWeights) }

    /// A norm, and how a normalised row enters the matrices behind it.
    struct NormForm: Sendable {
        let function: NormFunction
        /// Ones where the norm has no weight.
        let weight: Tensor
        /// `nil` where there is none, or it is folded into the biases behind it.
        let bias: Tensor?
        /// Whether the row loses its mean again, as centred matrices see it.
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
        var queryNorm: NormForm?
        var keyNorm: NormForm?
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
        blocks = weights.blocks.map { BlockForm($0, c) }
        unembedding = Unembedding(
            weight: weights.unembed.matrix, bias: weights.unembed.bias, centre: nil, softCap: c.outputLogitsSoftCap)
        embedNorm = weights.embedNorm.map { NormForm($0, .layerNorm, width: c.dModel, c) }
        let finalType = c.finalRMS && c.normalizationType != .none ? .rms : c.normalizationType
        lnFinal = NormForm(weights.lnFinal, finalType, width: c.dModel, c)
    }

    /// TransformerLens's default processing, as far as it is valid for the model.
    init(
        processed weights: ModelWeights, _ c: ModelConfiguration, on pool: ComputePool, control: CallControl
    ) throws(LensError) {
        let plain = WeightForm(raw: weights, c)
        let steps = c.processingSteps
        let folder = BiasFolder(pool: pool, control: control)
        form = .processed
        self.steps = steps
        embedNorm = plain.embedNorm
        var blocks: [BlockForm] = []
        for (block, raw) in zip(weights.blocks, plain.blocks) {
            var own = raw
            if steps.contains(.foldLn) {
                let bias = block.ln1?.bias
                own.ln1 = raw.ln1?.folded
                own.queryBias = try folder.bias(of: block.query, for: bias)
                own.keyBias = try folder.bias(of: block.key, for: bias)
                own.valueBias = try folder.bias(of: block.value, for: bias)
                own.ln2 = raw.ln2?.folded
                if let mlp = block.mlp {
                    if let gate = mlp.gate { own.gateBias = try folder.bias(of: gate, for: block.ln2?.bias) }
                    own.mlpInBias = try folder.bias(of: mlp.input, for: block.ln2?.bias)
                    own.mlpOutBias = try folder.bias(of: mlp.output, for: mlp.norm?.bias)
                    own.mlpNorm = raw.mlpNorm?.folded
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
        lnFinal = isFolded ? plain.lnFinal?.folded : plain.lnFinal
    }
}

extension WeightForm.NormForm {
    /// A norm as the checkpoint has it.
    fileprivate init(_ norm: NormParts<Tensor>, _ type: NormalizationType, width: Int, _ c: ModelConfiguration) {
        self.init(
            function: NormFunction(subtractsMean: type == .layerNorm, eps: c.eps),
            weight: norm.weight ?? Tensor(Array(repeating: 1, count: width), shape: [width]), bias: norm.bias,
            centers: false)
    }

    /// - Parameter norm: `nil` is a norm without parameters.
    fileprivate init?(
        _ norm: NormParts<Tensor>?, _ type: NormalizationType, width: Int, _ c: ModelConfiguration
    ) {
        if type == .none { return nil }
        self.init(norm ?? NormParts(), type, width: width, c)
    }

    /// The norm with its bias and, in what a layer norm gives, its mean folded into what is behind it.
    fileprivate var folded: Self {
        Self(function: function, weight: weight, bias: nil, centers: function.subtractsMean)
    }
}

extension WeightForm.BlockForm {
    /// A block as the checkpoint has it.
    fileprivate init(_ block: BlockWeights, _ c: ModelConfiguration) {
        typealias NormForm = WeightForm.NormForm
        func norm(_ norm: NormParts<Tensor>?) -> NormForm? {
            NormForm(norm, c.normalizationType, width: c.dModel, c)
        }
        if c.normPlacement != .after {
            ln1 = norm(block.ln1)
            if !c.attnOnly { ln2 = norm(block.ln2) }
        }
        switch c.normPlacement {
        case .before: break
        case .beforeAndAfter:
            attnOutNorm = norm(block.ln1Post)
            mlpOutNorm = norm(block.ln2Post)
        case .after:
            attnOutNorm = norm(block.ln1)
            mlpOutNorm = norm(block.ln2)
        }
        let isPerHead = c.qkNorm == .perHead
        if c.qkNorm != nil {
            queryNorm = NormForm(block.queryNorm, .rms, width: isPerHead ? c.dHead : c.nHeads * c.dHead, c)
            keyNorm = NormForm(block.keyNorm, .rms, width: isPerHead ? c.dHead : c.nKeyValueHeads * c.dHead, c)
        }
        if c.actFn.hasNorm { mlpNorm = NormForm(block.mlp?.norm, .layerNorm, width: c.dMLP, c) }
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
