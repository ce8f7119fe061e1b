import LensCore

/// StableLM: a LLaMA with layer norms, a part of each head turned; attention and MLP side by side behind one norm in some.
enum StableLMFamily: ModelFamily {
    static let architectures = ["StableLmForCausalLM"]
    static let prefix = "model."

    static func configuration(_ keys: ConfigurationKeys) throws(LensError) -> ModelConfiguration {
        var c = try keys.llama("StableLmForCausalLM", share: 0.25, eps: "layer_norm_eps")
        c.normalizationType = .layerNorm
        c.parallelAttnMLP = try keys.flag("use_parallel_residual", default: false)
        try keys.expect("qk_layernorm", false)
        return c
    }

    static func parts(
        _ c: ModelConfiguration, _ keys: ConfigurationKeys
    ) throws(LensError) -> ModelParts<StoredPart> {
        let hasBias = try keys.flag("use_qkv_bias", default: false)
        return LlamaNames.model(c, norm: .norm("model.norm")) { name in
            var block = LlamaNames.block(name, bias: hasBias)
            block.ln1 = .norm("\(name).input_layernorm")
            block.ln2 = c.parallelAttnMLP ? block.ln1 : .norm("\(name).post_attention_layernorm")
            return block
        }
    }

    static func buffers(layer: Int) -> [String] { LlamaNames.buffers(layer: layer) }
}
