import LensTensor

/// A layer norm's own parameters, `[dModel]` each.
public struct NormWeights: Sendable {
    public let weight: Tensor
    public let bias: Tensor
}

/// One block's parameters as the checkpoint stores them: linear layers are `[outputs, inputs]`, biases `[outputs]`.
public struct BlockWeights: Sendable {
    public let ln1: NormWeights
    /// `[head · dHead, dModel]`
    public let query: Weight
    public let key: Weight
    public let value: Weight
    /// `[dModel, head · dHead]`
    public let output: Weight
    public let outputBias: Tensor
    public let ln2: NormWeights
    /// `[dMLP, dModel]`
    public let mlpIn: Weight
    public let mlpInBias: Tensor
    /// `[dModel, dMLP]`
    public let mlpOut: Weight
    public let mlpOutBias: Tensor
}

/// A model's parameters, in memory once: both forms of the model compute with these.
public struct ModelWeights: Sendable {
    /// `[vocab, dModel]`
    public let embed: Weight
    /// `[nCtx, dModel]`
    public let posEmbed: Tensor
    public let blocks: [BlockWeights]
    public let lnFinal: NormWeights
    /// `[vocab, dModel]`; shares its memory with `embed` where the model ties them.
    public let unembed: Weight
}
