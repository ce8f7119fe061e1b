internal import CLensMessages
internal import CProtobufC
internal import LensCore

// models.proto: ModelConfiguration.

extension ModelConfiguration {
    private static let maximumLayers = 1 << 12

    init(_ message: CModelConfiguration) throws(LensError) {
        guard message.n_layers <= Self.maximumLayers else {
            throw .outOfRange("n_layers", message.n_layers, 0..<Self.maximumLayers + 1)
        }
        self.init(
            originalArchitecture: try message.original_architecture.text("original_architecture"),
            nLayers: Int(message.n_layers), nHeads: Int(message.n_heads), dModel: Int(message.d_model),
            dHead: Int(message.d_head), dMLP: Int(message.d_mlp), nCtx: Int(message.n_ctx),
            dVocab: Int(message.d_vocab))
        nKeyValueHeads = Int(message.n_key_value_heads)
        embedScale = message.embed_scale
        postEmbeddingLn = message.post_embedding_ln != 0
        positionalEmbedding = try PositionalEmbedding(message)
        tiedEmbedding = message.tied_embedding != 0
        defaultPrependBOS = message.default_prepend_bos != 0
        normalizationType = try word(message.normalization_type, "normalization_type")
        normPlacement = try word(message.norm_placement, "norm_placement")
        eps = message.eps
        finalRMS = message.final_rms != 0
        attnOnly = message.attn_only != 0
        parallelAttnMLP = message.parallel_attn_mlp != 0
        actFn = try word(message.act_fn, "act_fn")
        gatedMLP = message.gated_mlp != 0
        attnScale = message.attn_scale
        scaleAttnByInverseLayerIdx = message.scale_attn_by_inverse_layer_idx != 0
        attnScoresSoftCap = message.attn_scores_soft_cap.unlessZero
        qkNorm = message.qk_norm.len == 0 ? nil : try word(message.qk_norm, "qk_norm") as QKNorm
        clipQKV = message.clip_qkv.unlessZero
        attnTypes = []
        for field in array(message.n_attn_types, message.attn_types) {
            attnTypes.append(try word(field, "attn_types"))
        }
        windowSize = Int(message.window_size)
        outputLogitsSoftCap = message.output_logits_soft_cap.unlessZero
    }

    func write(to message: inout CModelConfiguration, _ arena: MessageArena) throws(LensError) {
        message.original_architecture = arena.bytes(originalArchitecture)
        message.n_layers = try arena.uint32(nLayers, "n_layers")
        message.n_heads = try arena.uint32(nHeads, "n_heads")
        message.n_key_value_heads = try arena.uint32(nKeyValueHeads, "n_key_value_heads")
        message.d_model = try arena.uint32(dModel, "d_model")
        message.d_head = try arena.uint32(dHead, "d_head")
        message.d_mlp = try arena.uint32(dMLP, "d_mlp")
        message.n_ctx = try arena.uint32(nCtx, "n_ctx")
        message.d_vocab = try arena.uint32(dVocab, "d_vocab")
        message.embed_scale = embedScale
        message.post_embedding_ln = postEmbeddingLn ? 1 : 0
        message.positional_embedding_type = arena.bytes(positionalEmbedding.type)
        if let rotary = positionalEmbedding.rotary {
            message.rotary = try arena.message { (item: inout CRotary) throws(LensError) in
                try rotary.write(to: &item, arena)
            }
        }
        message.tied_embedding = tiedEmbedding ? 1 : 0
        message.default_prepend_bos = defaultPrependBOS ? 1 : 0
        message.normalization_type = arena.bytes(normalizationType.rawValue)
        message.norm_placement = arena.bytes(normPlacement.rawValue)
        message.eps = eps
        message.final_rms = finalRMS ? 1 : 0
        message.attn_only = attnOnly ? 1 : 0
        message.parallel_attn_mlp = parallelAttnMLP ? 1 : 0
        message.act_fn = arena.bytes(actFn.rawValue)
        message.gated_mlp = gatedMLP ? 1 : 0
        message.attn_scale = attnScale
        message.scale_attn_by_inverse_layer_idx = scaleAttnByInverseLayerIdx ? 1 : 0
        message.attn_scores_soft_cap = attnScoresSoftCap ?? 0
        message.qk_norm = arena.bytes(qkNorm?.rawValue ?? "")
        message.clip_qkv = clipQKV ?? 0
        (message.n_attn_types, message.attn_types) = arena.array(attnTypes.map { arena.bytes($0.rawValue) })
        message.window_size = try arena.uint32(windowSize, "window_size")
        message.output_logits_soft_cap = outputLogitsSoftCap ?? 0
        // For clients in other languages; in Swift they follow from the rest.
        (message.n_processing_steps, message.processing_steps) = arena.array(
            processingSteps.map { arena.bytes($0.rawValue) })
    }
}

extension PositionalEmbedding {
    fileprivate init(_ message: CModelConfiguration) throws(LensError) {
        let type = try message.positional_embedding_type.text("positional_embedding_type")
        switch type {
        case "standard": self = .standard
        case "rotary":
            self = .rotary(
                try required(message.rotary, "rotary") { (rotary) throws(LensError) in try Rotary(rotary) })
        case "alibi": self = .alibi
        case "shortformer": self = .shortformer
        case "none": self = .none
        default: throw .invalidArgument("positional_embedding_type '\(type)' is unknown")
        }
    }
}

extension Rotary {
    fileprivate init(_ message: CRotary) throws(LensError) {
        self.init(dim: Int(message.dim), base: message.rotary_base, adjacentPairs: message.adjacent_pairs != 0)
        let kind = try message.scaling.text("scaling")
        switch kind {
        case "none": scaling = .none
        case "linear": scaling = .linear(factor: message.factor)
        case "llama3":
            scaling = .llama3(
                factor: message.factor, lowFrequencyFactor: message.low_frequency_factor,
                highFrequencyFactor: message.high_frequency_factor, originalContext: Int(message.original_context))
        case "yarn":
            scaling = .yarn(
                factor: message.factor, attentionFactor: message.attention_factor, betaFast: message.beta_fast,
                betaSlow: message.beta_slow, originalContext: Int(message.original_context),
                truncates: message.truncates != 0)
        default: throw .invalidArgument("a rotary scaling '\(kind)' is unknown")
        }
    }

    fileprivate func write(to message: inout CRotary, _ arena: MessageArena) throws(LensError) {
        message.dim = try arena.uint32(dim, "dim")
        message.rotary_base = base
        message.adjacent_pairs = adjacentPairs ? 1 : 0
        switch scaling {
        case .none: message.scaling = arena.bytes("none")
        case .linear(let factor):
            message.scaling = arena.bytes("linear")
            message.factor = factor
        case .llama3(let factor, let low, let high, let context):
            message.scaling = arena.bytes("llama3")
            message.factor = factor
            message.low_frequency_factor = low
            message.high_frequency_factor = high
            message.original_context = try arena.uint32(context, "original_context")
        case .yarn(let factor, let attentionFactor, let betaFast, let betaSlow, let context, let truncates):
            message.scaling = arena.bytes("yarn")
            message.factor = factor
            message.attention_factor = attentionFactor
            message.beta_fast = betaFast
            message.beta_slow = betaSlow
            message.original_context = try arena.uint32(context, "original_context")
            message.truncates = truncates ? 1 : 0
        }
    }
}

/// A field whose words are a closed set.
private func word<Word: RawRepresentable<String>>(
    _ field: ProtobufCBinaryData, _ name: String
) throws(LensError) -> Word {
    let text = try field.text(name)
    guard let word = Word(rawValue: text) else { throw .invalidArgument("\(name) '\(text)' is unknown") }
    return word
}

extension Float {
    fileprivate var unlessZero: Float? { self == 0 ? nil : self }
}
