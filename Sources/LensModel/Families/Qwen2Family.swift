import LensCore

/// Qwen 1.5, 2 and 2.5: a LLaMA with biases of queries, keys and values; later layers may see a window.
enum Qwen2Family: ModelFamily {
    static let architectures = ["Qwen2ForCausalLM"]
    static let prefix = "model."

    static func configuration(_ keys: ConfigurationKeys) throws(LensError) -> ModelConfiguration {
        var c = try keys.llama("Qwen2ForCausalLM")
        try keys.qwenWindows(of: &c)
        return c
    }

    static func parts(_ c: ModelConfiguration, _ keys: ConfigurationKeys) -> ModelParts<StoredPart> {
        LlamaNames.model(c) { LlamaNames.block($0, bias: true) }
    }

    static func buffers(layer: Int) -> [String] { LlamaNames.buffers(layer: layer) }
}

extension ConfigurationKeys {
    /// The layers of a Qwen that see a window: those from `max_window_layers` on, where `use_sliding_window` says so.
    func qwenWindows(of c: inout ModelConfiguration) throws(LensError) {
        // Published files name a window that is not used.
        let hasWindow = lacks("sliding_window") || optional("sliding_window") != nil
        guard hasWindow, try flag("use_sliding_window", default: false) else {
            return try windows(of: &c) { _ in false }
        }
        let first = try optional("max_window_layers")?.integer(in: 0...1024) ?? 28
        try windows(of: &c) { $0 >= first }
    }
}
