import LensCore

/// OPT: a GPT-2 with `relu`, whose position embeddings begin with two rows that no position has.
enum OPTFamily: ModelFamily {
    static let architectures = ["OPTForCausalLM"]
    static let prefix = "model."

    static func configuration(_ keys: ConfigurationKeys) throws(LensError) -> ModelConfiguration {
        let dModel = try keys.width("hidden_size")
        var c = ModelConfiguration(
            originalArchitecture: "OPTForCausalLM",
            nLayers: try keys.layers("num_hidden_layers"),
            nHeads: try keys.width("num_attention_heads"),
            dModel: dModel,
            dHead: try keys.headWidth("hidden_size", heads: "num_attention_heads"),
            dMLP: try keys.width("ffn_dim"),
            nCtx: try keys.width("max_position_embeddings"),
            dVocab: try keys.vocabulary())
        c.actFn = try keys.activation("activation_function")
        // No key has it: torch's own.
        c.eps = 1e-5
        c.tiedEmbedding = try keys.flag("tie_word_embeddings", default: true)
        // What OPT-350M alone has.
        try keys.expect("do_layer_norm_before", true)
        if let width = try keys.optionalWidth("word_embed_proj_dim"), width != dModel {
            throw try keys.required("word_embed_proj_dim").error(
                "\(width) is not supported; expected hidden_size \(dModel)", code: .unimplemented)
        }
        try keys.expect("_remove_final_layer_norm", false)
        // What Galactica has.
        try keys.expect("enable_bias", true)
        try keys.expect("layer_norm_elementwise_affine", true)
        return c
    }

    static func parts(_ c: ModelConfiguration, _ keys: ConfigurationKeys) -> ModelParts<StoredPart> {
        let embed: StoredPart = "model.decoder.embed_tokens.weight"
        return ModelParts(
            embed: embed,
            posEmbed: StoredPart(
                name: "model.decoder.embed_positions.weight", rows: .range(2..<c.nCtx + 2, of: c.nCtx + 2)),
            blocks: (0..<c.nLayers).map { layer in
                let block = "model.decoder.layers.\(layer)"
                return BlockParts(
                    ln1: .norm("\(block).self_attn_layer_norm"),
                    query: .linear("\(block).self_attn.q_proj"),
                    key: .linear("\(block).self_attn.k_proj"),
                    value: .linear("\(block).self_attn.v_proj"),
                    output: .linear("\(block).self_attn.out_proj"),
                    ln2: .norm("\(block).final_layer_norm"),
                    mlp: MLPParts(input: .linear("\(block).fc1"), output: .linear("\(block).fc2")))
            },
            lnFinal: .norm("model.decoder.final_layer_norm"),
            unembed: LinearParts(weight: c.tiedEmbedding ? embed : "lm_head.weight"))
    }
}
