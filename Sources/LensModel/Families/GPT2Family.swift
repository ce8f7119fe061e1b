import LensCore

/// GPT-2, and models trained with its code.
enum GPT2Family: ModelFamily {
    static let architectures = ["GPT2LMHeadModel"]
    static let prefix = "transformer."

    static func configuration(_ keys: ConfigurationKeys) throws(LensError) -> ModelConfiguration {
        let dModel = try keys.width("n_embd")
        var c = ModelConfiguration(
            originalArchitecture: "GPT2LMHeadModel",
            nLayers: try keys.layers("n_layer"),
            nHeads: try keys.width("n_head"),
            dModel: dModel,
            dHead: try keys.headWidth("n_embd", heads: "n_head"),
            dMLP: try keys.optionalWidth("n_inner") ?? 4 * dModel,
            nCtx: try keys.width("n_positions"),
            dVocab: try keys.vocabulary())
        c.actFn = try keys.activation("activation_function")
        c.eps = try keys.epsilon("layer_norm_epsilon")
        if try !keys.flag("scale_attn_weights", default: true) { c.attnScale = 1 }
        c.scaleAttnByInverseLayerIdx = try keys.flag("scale_attn_by_inverse_layer_idx", default: false)
        c.tiedEmbedding = try keys.flag("tie_word_embeddings", default: true)
        try keys.expect("add_cross_attention", false)
        return c
    }

    static func parts(_ c: ModelConfiguration, _ keys: ConfigurationKeys) -> ModelParts<StoredPart> {
        let embed: StoredPart = "transformer.wte.weight"
        return ModelParts(
            embed: embed,
            posEmbed: "transformer.wpe.weight",
            blocks: (0..<c.nLayers).map { block("transformer.h.\($0)", c.dModel) },
            lnFinal: .norm("transformer.ln_f"),
            unembed: LinearParts(weight: c.tiedEmbedding ? embed : "lm_head.weight"))
    }

    private static func block(_ h: String, _ dModel: Int) -> BlockParts<StoredPart> {
        /// One third of `c_attn`: queries, keys and values one after another.
        func third(_ index: Int) -> LinearParts<StoredPart> {
            .linear(
                "\(h).attn.c_attn", layout: .inputsFirst,
                rows: .range(index * dModel..<(index + 1) * dModel, of: 3 * dModel))
        }
        return BlockParts(
            ln1: .norm("\(h).ln_1"),
            query: third(0),
            key: third(1),
            value: third(2),
            output: .linear("\(h).attn.c_proj", layout: .inputsFirst),
            ln2: .norm("\(h).ln_2"),
            mlp: MLPParts(
                input: .linear("\(h).mlp.c_fc", layout: .inputsFirst),
                output: .linear("\(h).mlp.c_proj", layout: .inputsFirst)))
    }

    /// Masks.
    static func buffers(layer: Int) -> [String] {
        ["transformer.h.\(layer).attn.bias", "transformer.h.\(layer).attn.masked_bias"]
    }
}
