import LensCore

/// The families there are.
enum ModelFamilies {
    /// A new family is added here.
    static let all: [any ModelFamily.Type] = [
        GPT2Family.self, GPTNeoFamily.self, GPTNeoXFamily.self, GPTJFamily.self, OPTFamily.self, BloomFamily.self,
        PhiFamily.self, LlamaFamily.self, MistralFamily.self, Qwen2Family.self, Qwen3Family.self, GemmaFamily.self,
        Gemma2Family.self, StableLMFamily.self, OlmoFamily.self, Olmo2Family.self, HookedTransformerFamily.self,
    ]

    /// The architectures that can be read.
    static var architectures: [String] { all.flatMap { $0.architectures }.sorted() }

    /// The family of a `config.json`.
    ///
    /// - Throws: `UNIMPLEMENTED` naming an architecture that is not supported, and why where that is known.
    static func family(_ keys: ConfigurationKeys) throws(LensError) -> any ModelFamily.Type {
        let names = try keys.architectures()
        guard names.count == 1, let name = names.first else {
            throw notSupported("architecture \(names.joined(separator: ", "))")
        }
        guard let family = all.first(where: { $0.architectures.contains(name) }) else {
            if try isMixture(name, keys) { throw notSupported("\(name), a mixture of experts") }
            if isEncoder(name) { throw notSupported("\(name), an encoder model") }
            throw notSupported("architecture \(name)")
        }
        if try isMixture(name, keys) { throw notSupported("\(name) with several experts, a mixture of experts") }
        if let quantization = keys.optional("quantization_config") {
            let method = try quantization.object().optional("quant_method")?.excerpt() ?? ""
            throw quantization.error(
                "'\(method)' is not supported; expected weights as they were before, in F64, F32, F16 or BF16",
                code: .unimplemented)
        }
        return family
    }

    private static func notSupported(_ what: String) -> LensError {
        .unimplemented("not supported: \(what); expected one of \(architectures.joined(separator: ", "))")
    }

    private static func isMixture(_ name: String, _ keys: ConfigurationKeys) throws(LensError) -> Bool {
        let names = ["Moe", "MoE", "Mixtral", "GptOss", "Deepseek", "Dbrx", "SwitchTransformers", "Arctic", "Jamba"]
        if names.contains(where: name.contains) { return true }
        for key in ["num_experts", "num_local_experts", "n_routed_experts"] {
            if let count = keys.optional(key), count.kind == .number, try count.double() > 1 { return true }
        }
        return false
    }

    /// Encoders, and decoders that read an encoder.
    private static func isEncoder(_ name: String) -> Bool {
        let parts = [
            "ForMaskedLM", "ForConditionalGeneration", "ForPreTraining", "ForSequenceClassification", "ForCTC",
            "WithLMHeadModel",
        ]
        let families = ["Bert", "Roberta", "Electra", "T5", "Bart", "Marian", "Pegasus", "Hubert", "Wav2Vec2"]
        return parts.contains(where: name.hasSuffix) || families.contains(where: name.contains)
    }
}
