import LensCore

/// GPT-J: attention and MLP side by side behind one norm, neighbouring components turned as pairs, an unembedding with a
/// bias.
enum GPTJFamily: ModelFamily {
    static let architectures = ["GPTJForCausalLM"]
    static let prefix = "transformer."

    static func configuration(_ keys: ConfigurationKeys) throws(LensError) -> ModelConfiguration {
        let dModel = try keys.width("n_embd")
        var c = ModelConfiguration(
            originalArchitecture: "GPTJForCausalLM",
            nLayers: try keys.layers("n_layer"),
            nHeads: try keys.width("n_head"),
            dModel: dModel,
            dHead: try keys.headWidth("n_embd", heads: "n_head"),
            dMLP: try keys.optionalWidth("n_inner") ?? 4 * dModel,
            nCtx: try keys.width("n_positions"),
            dVocab: try keys.vocabulary())
        c.positionalEmbedding = .rotary(Rotary(dim: try keys.width("rotary_dim"), adjacentPairs: true))
        c.parallelAttnMLP = true
        c.actFn = try keys.activation("activation_function")
        c.eps = try keys.epsilon("layer_norm_epsilon")
        c.tiedEmbedding = try keys.flag("tie_word_embeddings", default: false)
        return c
    }

    static func parts(_ c: ModelConfiguration, _ keys: ConfigurationKeys) -> ModelParts<StoredPart> {
        let embed: StoredPart = "transformer.wte.weight"
        return ModelParts(
            embed: embed,
            blocks: (0..<c.nLayers).map { layer in
                let h = "transformer.h.\(layer)"
                return BlockParts(
                    ln1: .norm("\(h).ln_1"),
                    query: .linear("\(h).attn.q_proj", bias: false),
                    key: .linear("\(h).attn.k_proj", bias: false),
                    value: .linear("\(h).attn.v_proj", bias: false),
                    output: .linear("\(h).attn.out_proj", bias: false),
                    ln2: .norm("\(h).ln_1"),
                    mlp: MLPParts(input: .linear("\(h).mlp.fc_in"), output: .linear("\(h).mlp.fc_out")))
            },
            lnFinal: .norm("transformer.ln_f"),
            unembed: LinearParts(weight: c.tiedEmbedding ? embed : "lm_head.weight", bias: "lm_head.bias"))
    }

    /// Masks.
    static func buffers(layer: Int) -> [String] {
        ["transformer.h.\(layer).attn.bias", "transformer.h.\(layer).attn.masked_bias"]
    }
}
