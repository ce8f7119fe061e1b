import LensCore
import LensTensor

/// The parts that a model's parameters consist of: as tensors they are its weights, as ``StoredPart``s they say where a
/// checkpoint keeps each.
///
/// Linear layers are `[outputs, inputs]`, biases `[outputs]`, row-major; what a model does not have is `nil`.
public struct ModelParts<Part: Sendable>: Sendable {
    /// `[dVocab, dModel]`
    public var embed: Part
    /// Behind the embedding, where `postEmbeddingLn` says so.
    public var embedNorm: NormParts<Part>?
    /// `[nCtx, dModel]`, where positions are learned.
    public var posEmbed: Part?
    public var blocks: [BlockParts<Part>]
    public var lnFinal: NormParts<Part>?
    /// `[dVocab, dModel]`; the same part as `embed` where the model ties them.
    public var unembed: LinearParts<Part>

    public init(
        embed: Part, embedNorm: NormParts<Part>? = nil, posEmbed: Part? = nil, blocks: [BlockParts<Part>],
        lnFinal: NormParts<Part>?, unembed: LinearParts<Part>
    ) {
        self.embed = embed
        self.embedNorm = embedNorm
        self.posEmbed = posEmbed
        self.blocks = blocks
        self.lnFinal = lnFinal
        self.unembed = unembed
    }
}

/// One block's parts.
public struct BlockParts<Part: Sendable>: Sendable {
    /// Before the attention; behind it in models whose `normPlacement` says so.
    public var ln1: NormParts<Part>?
    /// Behind the attention, beside `ln1`.
    public var ln1Post: NormParts<Part>?
    /// `[head · dHead, dModel]`
    public var query: LinearParts<Part>
    /// `[keyHead · dHead, dModel]`
    public var key: LinearParts<Part>
    public var value: LinearParts<Part>
    /// `[dModel, head · dHead]`
    public var output: LinearParts<Part>
    /// `[dHead]`, or as wide as all heads together.
    public var queryNorm: NormParts<Part>?
    public var keyNorm: NormParts<Part>?
    /// Before the MLP; in parallel blocks often the same parts as `ln1`.
    public var ln2: NormParts<Part>?
    public var ln2Post: NormParts<Part>?
    public var mlp: MLPParts<Part>?

    public init(
        ln1: NormParts<Part>?, ln1Post: NormParts<Part>? = nil, query: LinearParts<Part>, key: LinearParts<Part>,
        value: LinearParts<Part>, output: LinearParts<Part>, queryNorm: NormParts<Part>? = nil,
        keyNorm: NormParts<Part>? = nil, ln2: NormParts<Part>? = nil, ln2Post: NormParts<Part>? = nil,
        mlp: MLPParts<Part>? = nil
    ) {
        self.ln1 = ln1
        self.ln1Post = ln1Post
        self.query = query
        self.key = key
        self.value = value
        self.output = output
        self.queryNorm = queryNorm
        self.keyNorm = keyNorm
        self.ln2 = ln2
        self.ln2Post = ln2Post
        self.mlp = mlp
    }
}

/// An MLP's parts.
public struct MLPParts<Part: Sendable>: Sendable {
    /// `[dMLP, dModel]`: gives `pre`, where the MLP is gated.
    public var gate: LinearParts<Part>?
    /// `[dMLP, dModel]`: gives `pre`, or `pre_linear` where the MLP is gated.
    public var input: LinearParts<Part>
    /// `[dMLP]`: added to `post` where the MLP is gated, as TransformerLens's `b_in` is.
    public var postBias: Part?
    /// `[dMLP]`: behind the activation function, where it has one (`solu_ln`).
    public var norm: NormParts<Part>?
    /// `[dModel, dMLP]`
    public var output: LinearParts<Part>

    public init(
        gate: LinearParts<Part>? = nil, input: LinearParts<Part>, postBias: Part? = nil, norm: NormParts<Part>? = nil,
        output: LinearParts<Part>
    ) {
        self.gate = gate
        self.input = input
        self.postBias = postBias
        self.norm = norm
        self.output = output
    }
}

/// A linear layer's parts.
public struct LinearParts<Part: Sendable>: Sendable {
    /// `[outputs, inputs]`
    public var weight: Part
    /// `[outputs]`
    public var bias: Part?

    public init(weight: Part, bias: Part? = nil) {
        self.weight = weight
        self.bias = bias
    }
}

/// A norm's own parameters; one without any only scales.
public struct NormParts<Part: Sendable>: Sendable {
    public var weight: Part?
    public var bias: Part?

    public init(weight: Part? = nil, bias: Part? = nil) {
        self.weight = weight
        self.bias = bias
    }
}

// MARK: - Visiting

extension ModelParts {
    /// Makes the same parts of something else.
    ///
    /// - Parameter transform: gets each part and the shape that it has in a model of this configuration.
    func map<Other>(
        _ c: ModelConfiguration, _ transform: (Part, _ shape: [Int]) throws(LensError) -> Other
    ) throws(LensError) -> ModelParts<Other> {
        var others: [BlockParts<Other>] = []
        for block in blocks { others.append(try block.map(c, transform)) }
        return ModelParts<Other>(
            embed: try transform(embed, [c.dVocab, c.dModel]),
            embedNorm: try embedNorm?.map(c.dModel, transform),
            posEmbed: try LensModel.transform(posEmbed, [c.nCtx, c.dModel], transform),
            blocks: others,
            lnFinal: try lnFinal?.map(c.dModel, transform),
            unembed: try unembed.map(c.dVocab, c.dModel, transform))
    }
}

extension BlockParts {
    fileprivate func map<Other>(
        _ c: ModelConfiguration, _ transform: (Part, [Int]) throws(LensError) -> Other
    ) throws(LensError) -> BlockParts<Other> {
        let (heads, keyHeads) = (c.nHeads * c.dHead, c.nKeyValueHeads * c.dHead)
        let isPerHead = c.qkNorm == .perHead
        return BlockParts<Other>(
            ln1: try ln1?.map(c.dModel, transform),
            ln1Post: try ln1Post?.map(c.dModel, transform),
            query: try query.map(heads, c.dModel, transform),
            key: try key.map(keyHeads, c.dModel, transform),
            value: try value.map(keyHeads, c.dModel, transform),
            output: try output.map(c.dModel, heads, transform),
            queryNorm: try queryNorm?.map(isPerHead ? c.dHead : heads, transform),
            keyNorm: try keyNorm?.map(isPerHead ? c.dHead : keyHeads, transform),
            ln2: try ln2?.map(c.dModel, transform),
            ln2Post: try ln2Post?.map(c.dModel, transform),
            mlp: try mlp?.map(c, transform))
    }
}

extension MLPParts {
    fileprivate func map<Other>(
        _ c: ModelConfiguration, _ transform: (Part, [Int]) throws(LensError) -> Other
    ) throws(LensError) -> MLPParts<Other> {
        MLPParts<Other>(
            gate: try gate?.map(c.dMLP, c.dModel, transform),
            input: try input.map(c.dMLP, c.dModel, transform),
            postBias: try LensModel.transform(postBias, [c.dMLP], transform),
            norm: try norm?.map(c.dMLP, transform),
            output: try output.map(c.dModel, c.dMLP, transform))
    }
}

extension LinearParts {
    fileprivate func map<Other>(
        _ outputs: Int, _ inputs: Int, _ transform: (Part, [Int]) throws(LensError) -> Other
    ) throws(LensError) -> LinearParts<Other> {
        LinearParts<Other>(
            weight: try transform(weight, [outputs, inputs]),
            bias: try LensModel.transform(bias, [outputs], transform))
    }
}

extension NormParts {
    fileprivate func map<Other>(
        _ width: Int, _ transform: (Part, [Int]) throws(LensError) -> Other
    ) throws(LensError) -> NormParts<Other> {
        NormParts<Other>(
            weight: try LensModel.transform(weight, [width], transform),
            bias: try LensModel.transform(bias, [width], transform))
    }
}

private func transform<Part, Other>(
    _ part: Part?, _ shape: [Int], _ transform: (Part, [Int]) throws(LensError) -> Other
) throws(LensError) -> Other? {
    guard let part else { return nil }
    return try transform(part, shape)
}
