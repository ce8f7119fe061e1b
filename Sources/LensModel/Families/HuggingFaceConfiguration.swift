import LensCheckpoint
import LensCore

/// A model's `config.json` in the terms of `ModelConfiguration`.
public struct HuggingFaceConfiguration: Sendable {
    public let model: ModelConfiguration
    /// `bos_token_id`, below the vocabulary's size.
    public let bosTokenID: Int32?
    /// `eos_token_id`, below the vocabulary's size.
    public let eosTokenID: Int32?

    /// The architectures that can be read, by the names of the entry `architectures`.
    public static let architectures = ["GPTNeoForCausalLM"]

    // Bounds over every real model, so that no product of sizes overflows.
    private static let layers = 1...1024
    private static let widths = 1...(1 << 20)
    private static let vocabulary = 1...(1 << 24)

    /// Reads a configuration.
    ///
    /// - Throws: `UNIMPLEMENTED` naming an architecture or an activation function that is not supported;
    ///   `INVALID_ARGUMENT` naming a key that is missing, of another type or out of its range.
    public init(reading file: JSONFile) throws(LensError) {
        let keys = try file.object()
        let architecture = try Self.architecture(keys)
        let nLayers = try keys.required("num_layers").integer(in: Self.layers)
        let nHeads = try keys.required("num_heads").integer(in: Self.widths)
        let hidden = try keys.required("hidden_size")
        let dModel = try hidden.integer(in: Self.widths)
        guard dModel.isMultiple(of: nHeads) else {
            throw hidden.error("must be divisible by num_heads \(nHeads); received \(dModel)")
        }
        let dVocab = try keys.required("vocab_size").integer(in: Self.vocabulary)
        let epsilon = try keys.required("layer_norm_epsilon")
        let eps = Float(try epsilon.double())
        guard eps > 0, eps <= 1 else { throw epsilon.error("must be over 0 and at most 1; received \(eps)") }
        let activation = try keys.required("activation_function")
        let actFn = try activation.string()
        guard actFn == "gelu_new" else {
            throw activation.error(
                "'\(try activation.excerpt())' is not supported; expected 'gelu_new'", code: .unimplemented)
        }
        model = ModelConfiguration(
            originalArchitecture: architecture,
            nLayers: nLayers,
            nHeads: nHeads,
            dModel: dModel,
            dHead: dModel / nHeads,
            dMLP: try keys.optional("intermediate_size")?.integer(in: Self.widths) ?? 4 * dModel,
            nCtx: try keys.required("max_position_embeddings").integer(in: Self.widths),
            dVocab: dVocab,
            actFn: actFn,
            eps: eps,
            attnScale: 1,
            attnTypes: try Self.attentionTypes(keys.required("attention_types"), nLayers: nLayers),
            windowSize: try keys.optional("window_size")?.integer(in: Self.widths) ?? 256,
            tiedEmbedding: try keys.optional("tie_word_embeddings")?.bool() ?? true)
        func token(_ key: String) throws(LensError) -> Int32? {
            try keys.optional(key).map { value throws(LensError) in Int32(try value.integer(in: 0...dVocab - 1)) }
        }
        bosTokenID = try token("bos_token_id")
        eosTokenID = try token("eos_token_id")
    }

    private static func architecture(_ keys: JSONObject) throws(LensError) -> String {
        var names: [String] = []
        try keys.required("architectures").forEachElement { element throws(LensError) in
            if names.count < 4 { names.append(try element.excerpt()) }
        }
        guard names.count == 1, let name = names.first, architectures.contains(name) else {
            let found = names.joined(separator: ", ")
            throw .unimplemented(
                "not supported: architecture \(found); expected \(architectures.joined(separator: ", "))")
        }
        return name
    }

    /// Expands `[[["global", "local"], 2]]` to one entry per layer.
    private static func attentionTypes(
        _ value: JSONValue, nLayers: Int
    ) throws(LensError) -> [ModelConfiguration.AttentionKind] {
        var types: [ModelConfiguration.AttentionKind] = []
        try value.forEachElement { entry throws(LensError) in
            var kinds: [ModelConfiguration.AttentionKind] = []
            var repeats: Int?
            var position = 0
            try entry.forEachElement { part throws(LensError) in
                if position == 0 {
                    kinds = try attentionKinds(part)
                } else {
                    repeats = try part.integer(in: 0...layers.upperBound)
                }
                position += 1
            }
            guard position == 2, let repeats else { throw value.error("must be a list of [[kind, …], count]") }
            for _ in 0..<repeats where types.count <= nLayers { types += kinds }
        }
        guard types.count == nLayers else {
            throw value.error("must name as many layers as num_layers, \(nLayers); it names \(types.count)")
        }
        return types
    }

    private static func attentionKinds(_ value: JSONValue) throws(LensError) -> [ModelConfiguration.AttentionKind] {
        var kinds: [ModelConfiguration.AttentionKind] = []
        try value.forEachElement { element throws(LensError) in
            let name = try element.string()
            guard let kind = ModelConfiguration.AttentionKind(rawValue: name) else {
                throw value.error(
                    "'\(try element.excerpt())' is not supported; expected 'global' or 'local'", code: .unimplemented)
            }
            guard kinds.count < layers.upperBound else {
                throw value.error("may name at most \(layers.upperBound) layers")
            }
            kinds.append(kind)
        }
        return kinds
    }
}
