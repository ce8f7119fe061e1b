import LensCore

/// BLOOM: a layer norm behind the embedding, and scores that fall with the distance in place of positions.
enum BloomFamily: ModelFamily {
    static let architectures = ["BloomForCausalLM"]
    static let prefix = "transformer."

    static func configuration(_ keys: ConfigurationKeys) throws(LensError) -> ModelConfiguration {
        /// Of two names that checkpoints have for one thing, the one in this file.
        func either(_ name: String, _ other: String) -> String { keys.optional(name) == nil ? other : name }
        let (width, heads) = (either("hidden_size", "n_embed"), either("n_head", "num_attention_heads"))
        let dModel = try keys.width(width)
        var c = ModelConfiguration(
            originalArchitecture: "BloomForCausalLM",
            nLayers: try keys.layers(either("n_layer", "num_hidden_layers")),
            nHeads: try keys.width(heads),
            dModel: dModel,
            dHead: try keys.headWidth(width, heads: heads),
            dMLP: 4 * dModel,
            // Nothing in the model has a length; newer files do not say what it was trained with.
            nCtx: try keys.optionalWidth("seq_length") ?? 2048,
            dVocab: try keys.vocabulary())
        c.postEmbeddingLn = true
        c.positionalEmbedding = .alibi
        c.actFn = .geluFast
        c.eps = try keys.epsilon("layer_norm_epsilon")
        c.tiedEmbedding = try keys.flag("tie_word_embeddings", default: true)
        try keys.expect("apply_residual_connection_post_layernorm", false)
        return c
    }

    static func parts(_ c: ModelConfiguration, _ keys: ConfigurationKeys) -> ModelParts<StoredPart> {
        let embed: StoredPart = "transformer.word_embeddings.weight"
        return ModelParts(
            embed: embed,
            embedNorm: .norm("transformer.word_embeddings_layernorm"),
            blocks: (0..<c.nLayers).map { layer in
                let h = "transformer.h.\(layer)"
                /// Each head's queries, keys and values stand together.
                func part(_ index: Int) -> LinearParts<StoredPart> {
                    .linear("\(h).self_attention.query_key_value", rows: .interleaved(index, of: 3, heads: c.nHeads))
                }
                return BlockParts(
                    ln1: .norm("\(h).input_layernorm"),
                    query: part(0),
                    key: part(1),
                    value: part(2),
                    output: .linear("\(h).self_attention.dense"),
                    ln2: .norm("\(h).post_attention_layernorm"),
                    mlp: MLPParts(
                        input: .linear("\(h).mlp.dense_h_to_4h"), output: .linear("\(h).mlp.dense_4h_to_h")))
            },
            lnFinal: .norm("transformer.ln_f"),
            unembed: LinearParts(weight: c.tiedEmbedding ? embed : "lm_head.weight"))
    }
}
