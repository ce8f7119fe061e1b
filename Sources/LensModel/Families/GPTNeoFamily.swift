import LensCheckpoint
import LensCore

/// GPT-Neo: a GPT-2 without biases in its projections, without `1 / √dHead`, with layers that see a window.
enum GPTNeoFamily: ModelFamily {
    static let architectures = ["GPTNeoForCausalLM"]
    static let prefix = "transformer."

    static func configuration(_ keys: ConfigurationKeys) throws(LensError) -> ModelConfiguration {
        let dModel = try keys.width("hidden_size")
        var c = ModelConfiguration(
            originalArchitecture: "GPTNeoForCausalLM",
            nLayers: try keys.layers("num_layers"),
            nHeads: try keys.width("num_heads"),
            dModel: dModel,
            dHead: try keys.headWidth("hidden_size", heads: "num_heads"),
            dMLP: try keys.optionalWidth("intermediate_size") ?? 4 * dModel,
            nCtx: try keys.width("max_position_embeddings"),
            dVocab: try keys.vocabulary())
        c.actFn = try keys.activation("activation_function")
        c.eps = try keys.epsilon("layer_norm_epsilon")
        c.attnScale = 1
        c.attnTypes = try attentionTypes(keys.required("attention_types"), nLayers: c.nLayers)
        c.windowSize = try keys.optionalWidth("window_size") ?? 256
        c.tiedEmbedding = try keys.flag("tie_word_embeddings", default: true)
        return c
    }

    static func parts(_ c: ModelConfiguration, _ keys: ConfigurationKeys) -> ModelParts<StoredPart> {
        let embed: StoredPart = "transformer.wte.weight"
        return ModelParts(
            embed: embed,
            posEmbed: "transformer.wpe.weight",
            blocks: (0..<c.nLayers).map { layer in
                let h = "transformer.h.\(layer)"
                return BlockParts(
                    ln1: .norm("\(h).ln_1"),
                    query: .linear("\(h).attn.attention.q_proj", bias: false),
                    key: .linear("\(h).attn.attention.k_proj", bias: false),
                    value: .linear("\(h).attn.attention.v_proj", bias: false),
                    output: .linear("\(h).attn.attention.out_proj"),
                    ln2: .norm("\(h).ln_2"),
                    mlp: MLPParts(input: .linear("\(h).mlp.c_fc"), output: .linear("\(h).mlp.c_proj")))
            },
            lnFinal: .norm("transformer.ln_f"),
            unembed: LinearParts(weight: c.tiedEmbedding ? embed : "lm_head.weight"))
    }

    /// Masks.
    static func buffers(layer: Int) -> [String] {
        let attention = "transformer.h.\(layer).attn.attention"
        return ["\(attention).bias", "\(attention).masked_bias"]
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
                    repeats = try part.integer(in: 0...1024)
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
            guard kinds.count < 1024 else { throw value.error("may name at most 1024 layers") }
            kinds.append(kind)
        }
        return kinds
    }
}
