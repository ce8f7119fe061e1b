/// A model's shape and the choices its forward pass makes, under TransformerLens's names.
///
/// Made with the sizes alone it is a GPT-2: layer norms before attention and MLP, learned positions, scores divided by
/// `√dHead`. A family changes what is different.
public struct ModelConfiguration: Sendable, Equatable {
    /// The checkpoint's `architectures` entry, such as `GPTNeoForCausalLM`.
    public var originalArchitecture: String

    // MARK: Sizes

    public var nLayers: Int
    public var nHeads: Int
    /// Heads of keys and values, a divisor of `nHeads`: fewer where several heads of queries share one.
    public var nKeyValueHeads: Int
    public var dModel: Int
    public var dHead: Int
    /// 0 in a model without MLPs.
    public var dMLP: Int
    public var nCtx: Int
    public var dVocab: Int

    // MARK: Embedding

    /// What embeddings are multiplied with: `√dModel` for Gemma.
    public var embedScale: Float = 1
    /// Whether a layer norm follows the embedding, `embed.ln` (BLOOM).
    public var postEmbeddingLn = false
    public var positionalEmbedding = PositionalEmbedding.standard
    /// Whether the unembedding is the embedding.
    public var tiedEmbedding = true
    /// Whether text gets the BOS token in front where nobody says otherwise.
    public var defaultPrependBOS = true

    // MARK: Norms

    public var normalizationType = NormalizationType.layerNorm
    public var normPlacement = NormPlacement.before
    /// Of every norm.
    public var eps: Float = 1e-5
    /// Whether the last norm is by RMS whatever the others are.
    public var finalRMS = false

    // MARK: Blocks

    /// Whether a block is attention alone.
    public var attnOnly = false
    /// Whether the MLP reads what the attention reads, and both are added together.
    public var parallelAttnMLP = false
    public var actFn = ActivationFunction.geluNew
    /// Whether the MLP multiplies `actFn(pre)` with `pre_linear`, another projection of its input.
    public var gatedMLP = false

    // MARK: Attention

    /// What attention scores are multiplied with before the softmax: `1 / √dHead`, and 1 for GPT-Neo.
    public var attnScale: Float
    /// Whether layer `l` divides its scores by `l + 1` as well.
    public var scaleAttnByInverseLayerIdx = false
    /// Scores become `cap · tanh(score / cap)`; `nil` leaves them.
    public var attnScoresSoftCap: Float?
    public var qkNorm: QKNorm?
    /// Queries, keys and values are held within `±clipQKV`; `nil` leaves them.
    public var clipQKV: Float?
    /// One entry per layer.
    public var attnTypes: [AttentionKind]
    /// How many keys a query of a local layer sees, its own position counted; 0 where no layer is local.
    public var windowSize = 0

    // MARK: Output

    /// Logits become `cap · tanh(logit / cap)`; `nil` leaves them.
    public var outputLogitsSoftCap: Float?

    /// How far back a layer's queries see.
    public enum AttentionKind: String, Sendable {
        case global
        /// The last `windowSize` keys, the query's own position counted.
        case local
    }

    public init(
        originalArchitecture: String, nLayers: Int, nHeads: Int, dModel: Int, dHead: Int, dMLP: Int, nCtx: Int,
        dVocab: Int
    ) {
        self.originalArchitecture = originalArchitecture
        self.nLayers = nLayers
        self.nHeads = nHeads
        nKeyValueHeads = nHeads
        self.dModel = dModel
        self.dHead = dHead
        self.dMLP = dMLP
        self.nCtx = nCtx
        self.dVocab = dVocab
        attnScale = 1 / Float(max(dHead, 1)).squareRoot()
        attnTypes = Array(repeating: .global, count: max(nLayers, 0))
    }

    /// Whether several heads of queries share one of keys and values.
    public var isGrouped: Bool { nKeyValueHeads != nHeads }

    /// Numbers in one block's matrices: what a row is multiplied with there.
    public var weightsOfBlock: Int {
        let attention = 2 * dModel * dHead * (nHeads + nKeyValueHeads)
        return attention + (attnOnly ? 0 : (gatedMLP ? 3 : 2) * dModel * dMLP)
    }

    /// Numbers that a block's widest row tensors of the MLP have together: `pre` and `post`, and what is between.
    public var activationsOfMLP: Int { attnOnly ? 0 : (gatedMLP || actFn.hasNorm ? 3 : 2) * dMLP }

    /// The steps of the default weight processing that are valid for the model; `HookedTransformer` skips the others too.
    public var processingSteps: [ProcessingStep] {
        ProcessingStep.allCases.filter { step in
            // A norm behind a sublayer, or positions that enter behind a norm, leave nothing to fold it into.
            let readsNormed = normPlacement != .after && positionalEmbedding != .shortformer
            return switch step {
            case .foldLn: readsNormed && normalizationType != .none
            case .centerWritingWeights: readsNormed && normalizationType == .layerNorm && !finalRMS
            // A capped logit changes when something is added to all of them.
            case .centerUnembed: outputLogitsSoftCap == nil && positionalEmbedding != .shortformer
            case .foldValueBiases: clipQKV == nil
            }
        }
    }

    private static let mostHeads = 4096
    private static let mostHeadWidths = 1 << 18

    /// Checks that the sizes fit together.
    ///
    /// - Throws: `INVALID_ARGUMENT` naming what does not.
    public func validate() throws(LensError) {
        func check(_ holds: Bool, _ message: @autoclosure () -> String) throws(LensError) {
            if !holds { throw .invalidArgument("\(originalArchitecture): \(message())") }
        }
        for (name, size) in [
            ("n_layers", nLayers), ("n_heads", nHeads), ("n_key_value_heads", nKeyValueHeads), ("d_model", dModel),
            ("d_head", dHead), ("n_ctx", nCtx), ("d_vocab", dVocab), ("d_mlp", attnOnly ? 1 : dMLP),
        ] {
            try check(size > 0, "\(name) must be positive; received \(size)")
        }
        // Far over every model that was published; attention takes memory for each head and each pair of positions.
        try check(
            nHeads <= Self.mostHeads && nHeads * dHead <= Self.mostHeadWidths,
            "n_heads must be at most \(Self.mostHeads), and n_heads times d_head at most \(Self.mostHeadWidths); "
                + "received \(nHeads) and \(dHead)")
        try check(
            nHeads.isMultiple(of: nKeyValueHeads),
            "n_heads must be a multiple of n_key_value_heads \(nKeyValueHeads); received \(nHeads)")
        try check(eps > 0 && eps <= 1, "eps must be over 0 and at most 1; received \(eps)")
        try check(attnScale.isFinite, "attn_scale must be finite; received \(attnScale)")
        try check(embedScale.isFinite, "the embedding's scale must be finite; received \(embedScale)")
        for (name, cap) in [
            ("attn_scores_soft_cap", attnScoresSoftCap), ("output_logits_soft_cap", outputLogitsSoftCap),
            ("clip_qkv", clipQKV),
        ] {
            if let cap { try check(cap > 0 && cap.isFinite, "\(name) must be positive; received \(cap)") }
        }
        try check(attnTypes.count == nLayers, "attn_types must name \(nLayers) layers; it names \(attnTypes.count)")
        try check(
            windowSize > 0 || !attnTypes.contains(.local), "window_size must be positive; received \(windowSize)")
        if let rotary = positionalEmbedding.rotary {
            try check(
                rotary.dim > 0 && rotary.dim <= dHead && rotary.dim.isMultiple(of: 2),
                "rotary_dim must be even and in 2...\(dHead); received \(rotary.dim)")
            try check(
                rotary.base > 0 && rotary.base.isFinite, "rotary_base must be positive; received \(rotary.base)")
        }
        try check(!gatedMLP || !actFn.hasNorm, "a gated MLP cannot have act_fn '\(actFn.rawValue)'")
        try check(!attnOnly || !parallelAttnMLP, "an attention-only model has no MLP to be parallel")
        try check(
            normPlacement == .before || !parallelAttnMLP, "parallel blocks have their norms before attention and MLP")
        try check(
            normPlacement == .before || normalizationType != .none, "norms behind a sublayer need a normalization_type")
    }
}
