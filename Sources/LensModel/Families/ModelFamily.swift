import LensCore

/// A family of checkpoints in the Hugging Face layout: how its `config.json` reads as a ``ModelConfiguration``, and where
/// its tensors are what ``ModelParts`` names.
///
/// A family is one small file; ``ModelFamilies`` lists them. What the forward pass does follows from the configuration
/// alone: it knows no families.
protocol ModelFamily: Sendable {
    /// The entries of `architectures` that mean this family.
    static var architectures: [String] { get }
    /// What the names of newer checkpoints begin with and those of older ones lack, such as `transformer.`.
    static var prefix: String { get }

    /// Reads `config.json`.
    ///
    /// - Throws: `UNIMPLEMENTED` naming what is not supported, `INVALID_ARGUMENT` naming the key that is wrong.
    static func configuration(_ keys: ConfigurationKeys) throws(LensError) -> ModelConfiguration

    /// Where each part of a model of this configuration is.
    static func parts(_ c: ModelConfiguration, _ keys: ConfigurationKeys) throws(LensError) -> ModelParts<StoredPart>

    /// Tensors of a layer that older versions of transformers saved and that are constants, not parameters.
    static func buffers(layer: Int) -> [String]

    /// The names of an unembedding that some files have beside the embedding that it is.
    static var tiedHead: [String] { get }
}

extension ModelFamily {
    static var prefix: String { "" }
    static func buffers(layer: Int) -> [String] { [] }
    static var tiedHead: [String] { ["lm_head.weight"] }
}

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
