/// A model's shape and the choices its forward pass makes, under TransformerLens's names.
public struct ModelConfiguration: Sendable, Equatable {
    /// How far back a layer's queries see.
    public enum AttentionKind: String, Sendable {
        case global
        /// The last `windowSize` keys, the query's own position counted.
        case local
    }

    /// The checkpoint's `architectures` entry, such as `GPTNeoForCausalLM`.
    public var originalArchitecture: String
    public var nLayers: Int
    public var nHeads: Int
    public var dModel: Int
    public var dHead: Int
    public var dMLP: Int
    public var nCtx: Int
    public var dVocab: Int
    /// The activation function of the MLP, such as `gelu_new`.
    public var actFn: String
    /// The layer norm's epsilon.
    public var eps: Float
    /// What attention scores are multiplied with before the softmax: 1 for GPT-Neo.
    public var attnScale: Float
    /// One entry per layer.
    public var attnTypes: [AttentionKind]
    public var windowSize: Int
    /// Whether the unembedding is the embedding.
    public var tiedEmbedding: Bool

    public init(
        originalArchitecture: String, nLayers: Int, nHeads: Int, dModel: Int, dHead: Int, dMLP: Int, nCtx: Int,
        dVocab: Int, actFn: String, eps: Float, attnScale: Float, attnTypes: [AttentionKind], windowSize: Int,
        tiedEmbedding: Bool
    ) {
        self.originalArchitecture = originalArchitecture
        self.nLayers = nLayers
        self.nHeads = nHeads
        self.dModel = dModel
        self.dHead = dHead
        self.dMLP = dMLP
        self.nCtx = nCtx
        self.dVocab = dVocab
        self.actFn = actFn
        self.eps = eps
        self.attnScale = attnScale
        self.attnTypes = attnTypes
        self.windowSize = windowSize
        self.tiedEmbedding = tiedEmbedding
    }

    /// Every hook point of a model of this shape, in the order in which a pass reaches them.
    public var hookPoints: [HookPoint] {
        let before: [HookKind] = [.tokens, .embed, .posEmbed]
        let after: [HookKind] = [.lnFinalScale, .lnFinalNormalized, .logits]
        let block = HookKind.allCases.filter(\.isPerLayer)
        return before.map { HookPoint($0) }
            + (0..<nLayers).flatMap { layer in block.map { HookPoint($0, layer: layer) } }
            + after.map { HookPoint($0) }
    }

    /// The shape of a hook point's activation for one sequence of `pos` tokens, without the batch.
    ///
    /// - Parameter sourcePos: positions that are attended to, where they are not the same ones.
    public func shape(of kind: HookKind, pos: Int, sourcePos: Int? = nil) -> [Int] {
        kind.axes.map { axis in
            switch axis {
            case .pos: pos
            case .sourcePos: sourcePos ?? pos
            case .head, .keyHead: nHeads
            case .dHead: dHead
            case .dModel: dModel
            case .dMLP: dMLP
            case .vocab: dVocab
            case .one: 1
            }
        }
    }

    /// How many parameters a model of this shape has; a tied unembedding is counted once.
    public var parameterCount: Int {
        let attention = 4 * dModel * nHeads * dHead + dModel
        let mlp = 2 * dModel * dMLP + dMLP + dModel
        let block = attention + mlp + 4 * dModel
        return (dVocab * (tiedEmbedding ? 1 : 2) + nCtx) * dModel + nLayers * block + 2 * dModel
    }
}
