import LensCore

/// What the forward pass can compute.
enum ForwardSupport {
    /// - Throws: `UNIMPLEMENTED` naming what a configuration asks for and the pass does not have.
    static func check(_ c: ModelConfiguration) throws(LensError) {
        let missing: [(Bool, String)] = [
            (c.normalizationType != .layerNorm, "normalization_type '\(c.normalizationType.rawValue)'"),
            (c.normPlacement != .before, "norms behind attention and MLP"),
            (c.finalRMS, "final_rms"),
            (c.positionalEmbedding != .standard, "positional_embedding_type '\(c.positionalEmbedding.type)'"),
            (c.isGrouped, "grouped queries"),
            (c.attnOnly, "attention-only models"),
            (c.parallelAttnMLP, "parallel attention and MLP"),
            (c.gatedMLP, "gated MLPs"),
            (![.geluNew, .geluFast, .geluPytorchTanh].contains(c.actFn), "act_fn '\(c.actFn.rawValue)'"),
            (c.qkNorm != nil, "norms of queries and keys"),
            (c.attnScoresSoftCap != nil || c.outputLogitsSoftCap != nil, "soft-caps"),
            (c.clipQKV != nil, "clip_qkv"),
            (c.embedScale != 1, "scaled embeddings"),
            (c.postEmbeddingLn, "post_embedding_ln"),
            (c.scaleAttnByInverseLayerIdx, "scale_attn_by_inverse_layer_idx"),
        ]
        guard let first = missing.first(where: \.0) else { return }
        throw .unimplemented("not supported yet: \(first.1) (\(c.originalArchitecture))")
    }
}
