import LensCore

extension JSON {
    /// A model's configuration under TransformerLens's names.
    static func configuration(_ c: ModelConfiguration) -> JSON {
        .object([
            ("original_architecture", .string(c.originalArchitecture)),
            ("n_layers", .integer(c.nLayers)), ("n_heads", .integer(c.nHeads)),
            ("n_key_value_heads", c.isGrouped ? .integer(c.nKeyValueHeads) : .null),
            ("d_model", .integer(c.dModel)), ("d_head", .integer(c.dHead)),
            ("d_mlp", c.attnOnly ? .null : .integer(c.dMLP)), ("n_ctx", .integer(c.nCtx)),
            ("d_vocab", .integer(c.dVocab)), ("act_fn", c.attnOnly ? .null : .string(c.actFn.rawValue)),
            ("eps", .float(c.eps)), ("attn_scale", .float(c.attnScale)),
            ("scale_attn_by_inverse_layer_idx", .bool(c.scaleAttnByInverseLayerIdx)),
            ("attn_types", .array(c.attnTypes.map { .string($0.rawValue) })),
            ("window_size", .integer(c.windowSize)), ("tied_embedding", .bool(c.tiedEmbedding)),
            ("normalization_type", c.normalizationType == .none ? .null : .string(c.normalizationType.rawValue)),
            ("norm_placement", .string(c.normPlacement.rawValue)), ("final_rms", .bool(c.finalRMS)),
            ("positional_embedding_type", .string(c.positionalEmbedding.type)),
            ("rotary_dim", c.positionalEmbedding.rotary.map { .integer($0.dim) } ?? .null),
            ("rotary_base", c.positionalEmbedding.rotary.map { .number($0.base) } ?? .null),
            ("rotary_adjacent_pairs", .bool(c.positionalEmbedding.rotary?.adjacentPairs ?? false)),
            ("post_embedding_ln", .bool(c.postEmbeddingLn)), ("embed_scale", .float(c.embedScale)),
            ("attn_only", .bool(c.attnOnly)), ("parallel_attn_mlp", .bool(c.parallelAttnMLP)),
            ("gated_mlp", .bool(c.gatedMLP)),
            ("qk_norm", c.qkNorm.map { .string($0.rawValue) } ?? .null),
            ("clip_qkv", c.clipQKV.map { .float($0) } ?? .null),
            ("attn_scores_soft_cap", c.attnScoresSoftCap.map { .float($0) } ?? .null),
            ("output_logits_soft_cap", c.outputLogitsSoftCap.map { .float($0) } ?? .null),
            ("default_prepend_bos", .bool(c.defaultPrependBOS)),
            ("processing", .array(c.processingSteps.map { .string($0.rawValue) })),
        ])
    }
}
