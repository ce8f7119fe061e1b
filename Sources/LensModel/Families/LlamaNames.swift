import LensCore

/// The keys and tensor names of LLaMA, which its descendants share; each family's own file has what differs.
enum LlamaNames {
    /// The frequencies of the angles, which older checkpoints carry.
    static func buffers(layer: Int) -> [String] { ["model.layers.\(layer).self_attn.rotary_emb.inv_freq"] }

    /// What is behind the attention and what is around the blocks.
    ///
    /// - Parameter norm: `model.norm`.
    static func model(
        _ c: ModelConfiguration, norm: NormParts<StoredPart> = .norm("model.norm", bias: false),
        block: (_ name: String) -> BlockParts<StoredPart>
    ) -> ModelParts<StoredPart> {
        let embed: StoredPart = "model.embed_tokens.weight"
        return ModelParts(
            embed: embed,
            blocks: (0..<c.nLayers).map { block("model.layers.\($0)") },
            lnFinal: norm,
            unembed: LinearParts(weight: c.tiedEmbedding ? embed : "lm_head.weight"))
    }

    /// A block with norms under LLaMA's names.
    ///
    /// - Parameters:
    ///   - bias: whether queries, keys and values have one.
    ///   - outputBias: whether the attention's output has one.
    static func block(_ name: String, bias: Bool = false, outputBias: Bool = false) -> BlockParts<StoredPart> {
        BlockParts(
            ln1: .norm("\(name).input_layernorm", bias: false),
            query: .linear("\(name).self_attn.q_proj", bias: bias),
            key: .linear("\(name).self_attn.k_proj", bias: bias),
            value: .linear("\(name).self_attn.v_proj", bias: bias),
            output: .linear("\(name).self_attn.o_proj", bias: outputBias),
            ln2: .norm("\(name).post_attention_layernorm", bias: false),
            mlp: MLPParts(
                gate: .linear("\(name).mlp.gate_proj", bias: false),
                input: .linear("\(name).mlp.up_proj", bias: false),
                output: .linear("\(name).mlp.down_proj", bias: false)))
    }
}

extension ConfigurationKeys {
    /// The sizes and choices of a LLaMA: RMS norms, a gated MLP, heads turned.
    ///
    /// - Parameters:
    ///   - share: how many of a head's components are turned where no key says it.
    ///   - eps: the key of the norms' epsilon; `nil` where there is none.
    func llama(
        _ architecture: String, share: Double = 1, eps: String? = "rms_norm_eps", activation: String? = "hidden_act",
        tied: Bool = false
    ) throws(LensError) -> ModelConfiguration {
        let nHeads = try width("num_attention_heads")
        // Not an autoclosure, which could throw anything.
        var dHead = try optionalWidth("head_dim") ?? 0
        if dHead == 0 { dHead = try headWidth("hidden_size", heads: "num_attention_heads") }
        var c = ModelConfiguration(
            originalArchitecture: architecture,
            nLayers: try layers("num_hidden_layers"),
            nHeads: nHeads,
            dModel: try width("hidden_size"),
            dHead: dHead,
            dMLP: try width("intermediate_size"),
            nCtx: try width("max_position_embeddings"),
            dVocab: try vocabulary())
        c.nKeyValueHeads = try optionalWidth("num_key_value_heads") ?? nHeads
        c.positionalEmbedding = .rotary(try rotary(dHead: dHead, share: share, context: c.nCtx))
        c.normalizationType = .rms
        c.gatedMLP = true
        if let eps { c.eps = try epsilon(eps) }
        if let activation { c.actFn = try self.activation(activation) }
        c.tiedEmbedding = try flag("tie_word_embeddings", default: tied)
        return c
    }

    /// Sets which layers see a window, as `layer_types` has it.
    ///
    /// - Parameter standard: whether a layer does where there is no such key.
    func windows(of c: inout ModelConfiguration, standard: (_ layer: Int) -> Bool) throws(LensError) {
        var types: [ModelConfiguration.AttentionKind] = []
        if let value = optional("layer_types") {
            try value.forEachElement { element throws(LensError) in
                switch try element.string() {
                case "full_attention": types.append(.global)
                case "sliding_attention": types.append(.local)
                default:
                    throw value.error(
                        "'\(try element.excerpt())' is not supported; expected 'full_attention' or 'sliding_attention'",
                        code: .unimplemented)
                }
                guard types.count <= c.nLayers else {
                    throw value.error("must name num_hidden_layers \(c.nLayers) layers; it names more")
                }
            }
            guard types.count == c.nLayers else {
                throw value.error("must name num_hidden_layers \(c.nLayers) layers; it names \(types.count)")
            }
        } else {
            types = (0..<c.nLayers).map { standard($0) ? .local : .global }
        }
        c.attnTypes = types
        // The default of every class that has windows.
        if types.contains(.local) { c.windowSize = lacks("sliding_window") ? 4096 : try width("sliding_window") }
    }
}
