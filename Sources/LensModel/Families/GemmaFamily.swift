import LensCore

/// Gemma 1: a LLaMA with embeddings times `√dModel`, norms stored as what they differ from 1.
enum GemmaFamily: ModelFamily {
    static let architectures = ["GemmaForCausalLM"]
    static let prefix = "model."

    static func configuration(_ keys: ConfigurationKeys) throws(LensError) -> ModelConfiguration {
        _ = try keys.width("head_dim")
        var c = try keys.llama("GemmaForCausalLM", activation: nil, tied: true)
        c.embedScale = Float(c.dModel).squareRoot()
        // The first files say 'gelu' and mean its tanh form; transformers reads them so too.
        let name = keys.optional("hidden_activation") != nil ? "hidden_activation" : "hidden_act"
        c.actFn = try keys.activation(name)
        if c.actFn == .gelu { c.actFn = .geluPytorchTanh }
        try keys.expect("use_bidirectional_attention", false)
        return c
    }

    static func parts(
        _ c: ModelConfiguration, _ keys: ConfigurationKeys
    ) throws(LensError) -> ModelParts<StoredPart> {
        let hasBias = try keys.flag("attention_bias", default: false)
        return LlamaNames.model(c, norm: norm("model.norm")) { name in
            var block = LlamaNames.block(name, bias: hasBias, outputBias: hasBias)
            block.ln1 = norm("\(name).input_layernorm")
            block.ln2 = norm("\(name).post_attention_layernorm")
            return block
        }
    }

    /// A norm's weight minus 1 is what is stored.
    static func norm(_ name: String) -> NormParts<StoredPart> { .norm(name, bias: false, offset: 1) }
}
