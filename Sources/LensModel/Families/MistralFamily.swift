import LensCore

/// Mistral: a LLaMA whose every layer sees a window, where there is one.
enum MistralFamily: ModelFamily {
    static let architectures = ["MistralForCausalLM"]
    static let prefix = "model."

    static func configuration(_ keys: ConfigurationKeys) throws(LensError) -> ModelConfiguration {
        var c = try keys.llama("MistralForCausalLM")
        let hasWindow = keys.lacks("sliding_window") || keys.optional("sliding_window") != nil
        try keys.windows(of: &c) { _ in hasWindow }
        return c
    }

    static func parts(_ c: ModelConfiguration, _ keys: ConfigurationKeys) -> ModelParts<StoredPart> {
        LlamaNames.model(c) { LlamaNames.block($0) }
    }

    static func buffers(layer: Int) -> [String] { LlamaNames.buffers(layer: layer) }
}
