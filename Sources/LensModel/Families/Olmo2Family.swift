import LensCore

/// OLMo 2: a LLaMA with its norms behind attention and MLP, and queries and keys normed over all heads together.
enum Olmo2Family: ModelFamily {
    static let architectures = ["Olmo2ForCausalLM"]
    static let prefix = "model."

    static func configuration(_ keys: ConfigurationKeys) throws(LensError) -> ModelConfiguration {
        var c = try keys.llama("Olmo2ForCausalLM")
        c.normPlacement = .after
        c.qkNorm = .allHeads
        return c
    }

    static func parts(
        _ c: ModelConfiguration, _ keys: ConfigurationKeys
    ) throws(LensError) -> ModelParts<StoredPart> {
        let hasBias = try keys.flag("attention_bias", default: false)
        return LlamaNames.model(c) { name in
            var block = LlamaNames.block(name, bias: hasBias, outputBias: hasBias)
            block.ln1 = .norm("\(name).post_attention_layernorm", bias: false)
            block.ln2 = .norm("\(name).post_feedforward_layernorm", bias: false)
            block.queryNorm = .norm("\(name).self_attn.q_norm", bias: false)
            block.keyNorm = .norm("\(name).self_attn.k_norm", bias: false)
            return block
        }
    }
}
