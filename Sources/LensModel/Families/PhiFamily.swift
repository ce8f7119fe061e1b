import LensCore

/// Phi 1, 1.5 and 2: attention and MLP side by side behind one norm, a part of each head turned, an unembedding with a
/// bias.
enum PhiFamily: ModelFamily {
    static let architectures = ["PhiForCausalLM"]
    static let prefix = "model."

    static func configuration(_ keys: ConfigurationKeys) throws(LensError) -> ModelConfiguration {
        let dHead = try keys.headWidth("hidden_size", heads: "num_attention_heads")
        let nHeads = try keys.width("num_attention_heads")
        var c = ModelConfiguration(
            originalArchitecture: "PhiForCausalLM",
            nLayers: try keys.layers("num_hidden_layers"),
            nHeads: nHeads,
            dModel: try keys.width("hidden_size"),
            dHead: dHead,
            dMLP: try keys.width("intermediate_size"),
            nCtx: try keys.width("max_position_embeddings"),
            dVocab: try keys.vocabulary())
        c.nKeyValueHeads = try keys.optionalWidth("num_key_value_heads") ?? nHeads
        c.positionalEmbedding = .rotary(try keys.rotary(dHead: dHead, share: 0.5, context: c.nCtx))
        c.parallelAttnMLP = true
        c.actFn = try keys.activation("hidden_act")
        c.eps = try keys.epsilon("layer_norm_eps")
        c.tiedEmbedding = try keys.flag("tie_word_embeddings", default: false)
        try keys.expect("qk_layernorm", false)
        return c
    }

    static func parts(_ c: ModelConfiguration, _ keys: ConfigurationKeys) -> ModelParts<StoredPart> {
        let embed: StoredPart = "model.embed_tokens.weight"
        return ModelParts(
            embed: embed,
            blocks: (0..<c.nLayers).map { layer in
                let block = "model.layers.\(layer)"
                return BlockParts(
                    ln1: .norm("\(block).input_layernorm"),
                    query: .linear("\(block).self_attn.q_proj"),
                    key: .linear("\(block).self_attn.k_proj"),
                    value: .linear("\(block).self_attn.v_proj"),
                    output: .linear("\(block).self_attn.dense"),
                    ln2: .norm("\(block).input_layernorm"),
                    mlp: MLPParts(input: .linear("\(block).mlp.fc1"), output: .linear("\(block).mlp.fc2")))
            },
            lnFinal: .norm("model.final_layernorm"),
            unembed: LinearParts(weight: c.tiedEmbedding ? embed : "lm_head.weight", bias: "lm_head.bias"))
    }
}
