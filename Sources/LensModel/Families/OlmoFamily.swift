import LensCore

/// OLMo: a LLaMA with layer norms that have no parameters; queries, keys and values may be clipped.
enum OlmoFamily: ModelFamily {
    static let architectures = ["OlmoForCausalLM"]
    static let prefix = "model."

    static func configuration(_ keys: ConfigurationKeys) throws(LensError) -> ModelConfiguration {
        var c = try keys.llama("OlmoForCausalLM", eps: nil)
        c.normalizationType = .layerNorm
        // No key has it.
        c.eps = 1e-5
        c.clipQKV = try keys.positive("clip_qkv").map { Float($0) }
        return c
    }

    static func parts(
        _ c: ModelConfiguration, _ keys: ConfigurationKeys
    ) throws(LensError) -> ModelParts<StoredPart> {
        let hasBias = try keys.flag("attention_bias", default: false)
        return LlamaNames.model(c, norm: NormParts()) { name in
            var block = LlamaNames.block(name, bias: hasBias, outputBias: hasBias)
            block.ln1 = NormParts()
            block.ln2 = NormParts()
            return block
        }
    }

    static func buffers(layer: Int) -> [String] { LlamaNames.buffers(layer: layer) }
}
