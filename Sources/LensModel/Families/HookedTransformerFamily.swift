import LensCore

/// TransformerLens's own models: its `HookedTransformerConfig` as `config.json`, its state dict as tensors.
enum HookedTransformerFamily: ModelFamily {
    static let architectures = ["HookedTransformer"]
    static let tiedHead: [String] = []

    static func configuration(_ keys: ConfigurationKeys) throws(LensError) -> ModelConfiguration {
        try refuseWhatIsMissing(keys)
        let attnOnly = try keys.flag("attn_only", default: false)
        let dHead = try keys.width("d_head")
        let nHeads = try keys.width("n_heads")
        var c = ModelConfiguration(
            originalArchitecture: "HookedTransformer",
            nLayers: try keys.layers("n_layers"),
            nHeads: nHeads,
            dModel: try keys.width("d_model"),
            dHead: dHead,
            dMLP: attnOnly ? 0 : try keys.width("d_mlp"),
            nCtx: try keys.width("n_ctx"),
            dVocab: try keys.vocabulary("d_vocab"))
        c.nKeyValueHeads = try keys.optionalWidth("n_key_value_heads") ?? nHeads
        c.attnOnly = attnOnly
        c.tiedEmbedding = false
        c.defaultPrependBOS = try keys.flag("default_prepend_bos", default: true)
        c.postEmbeddingLn = try keys.flag("post_embedding_ln", default: false)
        c.parallelAttnMLP = try keys.flag("parallel_attn_mlp", default: false)
        c.gatedMLP = try keys.flag("gated_mlp", default: false)
        if !attnOnly { c.actFn = try activation(keys) }
        c.outputLogitsSoftCap = try cap("output_logits_soft_cap", keys)
        try readNorms(keys, into: &c)
        try readPositions(keys, into: &c)
        try readAttention(keys, into: &c)
        return c
    }

    // MARK: - Choices

    /// Post-norm models are told by the architecture that they were converted from.
    private static let postNorm = ["Olmo2ForCausalLM", "Olmo3ForCausalLM"]

    private static func readNorms(
        _ keys: ConfigurationKeys, into c: inout ModelConfiguration
    ) throws(LensError) {
        switch try keys.optional("normalization_type")?.string() {
        case "LN", "LNPre": c.normalizationType = .layerNorm
        case "RMS", "RMSPre": c.normalizationType = .rms
        case nil: c.normalizationType = .none
        default: throw try unknown("normalization_type", keys, "'LN', 'LNPre', 'RMS', 'RMSPre' or null")
        }
        c.eps = try keys.epsilon("eps")
        c.finalRMS = try keys.flag("final_rms", default: false) && c.normalizationType == .layerNorm
        if try keys.flag("use_normalization_before_and_after", default: false) {
            c.normPlacement = .beforeAndAfter
        } else if let origin = try keys.optional("original_architecture")?.string(), postNorm.contains(origin) {
            c.normPlacement = .after
        }
    }

    private static func readPositions(
        _ keys: ConfigurationKeys, into c: inout ModelConfiguration
    ) throws(LensError) {
        switch try keys.optional("positional_embedding_type")?.string() ?? "standard" {
        case "standard": c.positionalEmbedding = .standard
        case "shortformer": c.positionalEmbedding = .shortformer
        case "rotary": c.positionalEmbedding = .rotary(try rotary(keys, dHead: c.dHead))
        case "alibi":
            // TransformerLens's slopes are those of the other implementations for powers of two only.
            guard c.nHeads.nonzeroBitCount == 1 else {
                throw try keys.required("n_heads").error(
                    "\(c.nHeads) is not supported with positional_embedding_type 'alibi'; expected a power of two",
                    code: .unimplemented)
            }
            c.positionalEmbedding = .alibi
        default:
            throw try unknown("positional_embedding_type", keys, "'standard', 'rotary', 'shortformer' or 'alibi'")
        }
    }

    private static func rotary(_ keys: ConfigurationKeys, dHead: Int) throws(LensError) -> Rotary {
        var rotary = Rotary(
            dim: try keys.optionalWidth("rotary_dim") ?? dHead, base: try keys.positive("rotary_base") ?? 10_000,
            adjacentPairs: try keys.flag("rotary_adjacent_pairs", default: false))
        let factor = try keys.positive("rotary_scaling_factor") ?? 1
        if try keys.flag("use_NTK_by_parts_rope", default: false) {
            rotary.scaling = .llama3(
                factor: try keys.positive("NTK_by_parts_factor") ?? 8,
                lowFrequencyFactor: try keys.positive("NTK_by_parts_low_freq_factor") ?? 1,
                highFrequencyFactor: try keys.positive("NTK_by_parts_high_freq_factor") ?? 4,
                originalContext: try keys.optionalWidth("NTK_original_ctx_len") ?? 8192)
        } else if try keys.flag("use_yarn_rope", default: false) {
            rotary.scaling = .yarn(
                factor: try keys.positive("yarn_factor") ?? 1,
                attentionFactor: try keys.positive("yarn_attention_factor") ?? 1,
                betaFast: try keys.positive("yarn_beta_fast") ?? 32, betaSlow: try keys.positive("yarn_beta_slow") ?? 1,
                originalContext: try keys.optionalWidth("yarn_original_max_position_embeddings") ?? 4096,
                truncates: try keys.flag("yarn_truncate", default: true))
        } else if factor != 1 {
            rotary.scaling = .linear(factor: factor)
        }
        return rotary
    }

    private static func readAttention(
        _ keys: ConfigurationKeys, into c: inout ModelConfiguration
    ) throws(LensError) {
        if try !keys.flag("use_attn_scale", default: true) {
            c.attnScale = 1
        } else if let value = keys.optional("attn_scale"), try value.double() != -1 {
            // TransformerLens divides by it.
            let divisor = Float(try value.double())
            guard divisor > 0 else { throw value.error("must be positive, or -1; received \(divisor)") }
            c.attnScale = 1 / divisor
        }
        c.scaleAttnByInverseLayerIdx = try keys.flag("scale_attn_by_inverse_layer_idx", default: false)
        c.attnScoresSoftCap = try cap("attn_scores_soft_cap", keys)
        c.clipQKV = try keys.positive("clip_qkv").map { Float($0) }
        if try keys.flag("use_qk_norm", default: false) {
            c.qkNorm = .perHead
        } else if c.normPlacement == .after {
            c.qkNorm = .allHeads
        }
        guard try keys.flag("use_local_attn", default: false) else { return }
        var types: [ModelConfiguration.AttentionKind] = []
        let named = try keys.required("attn_types")
        try named.forEachElement { element throws(LensError) in
            guard let kind = ModelConfiguration.AttentionKind(rawValue: try element.string()) else {
                throw named.error(
                    "'\(try element.excerpt())' is not supported; expected 'global' or 'local'", code: .unimplemented)
            }
            guard types.count < c.nLayers else { throw named.error("must name n_layers \(c.nLayers) layers") }
            types.append(kind)
        }
        c.attnTypes = types
        c.windowSize = try keys.width("window_size")
    }

    private static func activation(_ keys: ConfigurationKeys) throws(LensError) -> ActivationFunction {
        let value = try keys.required("act_fn")
        if let function = ActivationFunction(rawValue: try value.string()) { return function }
        let known = ActivationFunction.allCases.map { "'\($0.rawValue)'" }.joined(separator: ", ")
        throw value.error("'\(try value.excerpt())' is not supported; expected one of \(known)", code: .unimplemented)
    }

    /// A soft-cap: TransformerLens has -1 where there is none.
    private static func cap(_ key: String, _ keys: ConfigurationKeys) throws(LensError) -> Float? {
        guard let value = try keys.optional(key)?.double(), value > 0 else { return nil }
        return Float(value)
    }

    private static func unknown(
        _ key: String, _ keys: ConfigurationKeys, _ expected: String
    ) throws(LensError) -> LensError {
        let value = try keys.required(key)
        return value.error("'\(try value.excerpt())' is not supported; expected \(expected)", code: .unimplemented)
    }

    /// Switches of `HookedTransformerConfig` that change the numbers and that the forward pass does not have.
    private static func refuseWhatIsMissing(_ keys: ConfigurationKeys) throws(LensError) {
        for key in [
            "use_attention_sinks", "use_logn_attn", "use_dynamic_ntk_rope", "yarn_global_attn_only", "load_in_4bit",
        ] { try keys.expect(key, false) }
        if let direction = keys.optional("attention_dir"), try direction.string() != "causal" {
            throw try unknown("attention_dir", keys, "'causal'")
        }
        for key in ["rotary_base_local", "num_experts"] {
            if let value = keys.optional(key) {
                throw value.error("is not supported; expected null", code: .unimplemented)
            }
        }
        if let size = keys.optional("d_vocab_out"), try size.integer(in: -1...Int.max) != -1 {
            let (outputs, inputs) = (try keys.vocabulary("d_vocab_out"), try keys.vocabulary("d_vocab"))
            guard outputs == inputs else {
                throw size.error("\(outputs) is not supported; expected d_vocab, \(inputs)", code: .unimplemented)
            }
        }
    }
}
