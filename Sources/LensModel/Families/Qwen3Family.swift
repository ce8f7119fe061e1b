import LensCore

/// Qwen 3: a LLaMA whose queries and keys are normed head by head.
enum Qwen3Family: ModelFamily {
    static let architectures = ["Qwen3ForCausalLM"]
    static let prefix = "model."

    static func configuration(_ keys: ConfigurationKeys) throws(LensError) -> ModelConfiguration {
        var c = try keys.llama("Qwen3ForCausalLM")
        try keys.qwenWindows(of: &c)
        c.qkNorm = .perHead
        return c
    }

    static func parts(
        _ c: ModelConfiguration, _ keys: ConfigurationKeys
    ) throws(LensError) -> ModelParts<StoredPart> {
        let hasBias = try keys.flag("attention_bias", default: false)
        return LlamaNames.model(c) { name in
            var block = LlamaNames.block(name, bias: hasBias, outputBias: hasBias)
            block.queryNorm = .norm("\(name).self_attn.q_norm", bias: false)
            block.keyNorm = .norm("\(name).self_attn.k_norm", bias: false)
            return block
        }
    }
}
