import LensCore

/// LLaMA 1 to 3, and models of other makers that have its architecture.
enum LlamaFamily: ModelFamily {
    static let architectures = ["LlamaForCausalLM"]
    static let prefix = "model."

    static func configuration(_ keys: ConfigurationKeys) throws(LensError) -> ModelConfiguration {
        try keys.expect("mlp_bias", false)
        return try keys.llama("LlamaForCausalLM")
    }

    static func parts(
        _ c: ModelConfiguration, _ keys: ConfigurationKeys
    ) throws(LensError) -> ModelParts<StoredPart> {
        let hasBias = try keys.flag("attention_bias", default: false)
        return LlamaNames.model(c) { LlamaNames.block($0, bias: hasBias, outputBias: hasBias) }
    }

    static func buffers(layer: Int) -> [String] { LlamaNames.buffers(layer: layer) }
}
