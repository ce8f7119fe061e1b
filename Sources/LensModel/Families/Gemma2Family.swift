import LensCore

/// Gemma 2: a Gemma with norms behind attention and MLP too, capped scores and logits, a window on every other layer.
enum Gemma2Family: ModelFamily {
    static let architectures = ["Gemma2ForCausalLM"]
    static let prefix = "model."

    static func configuration(_ keys: ConfigurationKeys) throws(LensError) -> ModelConfiguration {
        _ = try keys.width("head_dim")
        var c = try keys.llama("Gemma2ForCausalLM", activation: "hidden_activation", tied: true)
        c.embedScale = Float(c.dModel).squareRoot()
        c.normPlacement = .beforeAndAfter
        let scalar = try keys.required("query_pre_attn_scalar")
        let divisor = Float(try scalar.double())
        guard divisor > 0 else { throw scalar.error("must be positive; received \(divisor)") }
        c.attnScale = 1 / divisor.squareRoot()
        c.attnScoresSoftCap = try keys.positive("attn_logit_softcapping", default: 50).map { Float($0) }
        c.outputLogitsSoftCap = try keys.positive("final_logit_softcapping", default: 30).map { Float($0) }
        try keys.windows(of: &c) { $0.isMultiple(of: 2) }
        try keys.expect("use_bidirectional_attention", false)
        return c
    }

    static func parts(
        _ c: ModelConfiguration, _ keys: ConfigurationKeys
    ) throws(LensError) -> ModelParts<StoredPart> {
        let hasBias = try keys.flag("attention_bias", default: false)
        return LlamaNames.model(c, norm: GemmaFamily.norm("model.norm")) { name in
            var block = LlamaNames.block(name, bias: hasBias, outputBias: hasBias)
            block.ln1 = GemmaFamily.norm("\(name).input_layernorm")
            block.ln1Post = GemmaFamily.norm("\(name).post_attention_layernorm")
            block.ln2 = GemmaFamily.norm("\(name).pre_feedforward_layernorm")
            block.ln2Post = GemmaFamily.norm("\(name).post_feedforward_layernorm")
            return block
        }
    }
}
