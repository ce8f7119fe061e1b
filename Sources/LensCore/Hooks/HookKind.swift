/// The kinds of hook points, in the order in which a forward pass reaches them.
///
/// Names, shapes and meanings are TransformerLens's (`HookedTransformer` 3.9). This is the one table of them; which of
/// them a model has, its ``ModelConfiguration`` says.
public enum HookKind: Int, Sendable, CaseIterable, Comparable {
    case tokens
    case embedNormScale
    case embedNormNormalized
    case embed
    case posEmbed
    case residPre
    case attnIn
    case qInput
    case kInput
    case vInput
    case ln1Scale
    case ln1Normalized
    case q
    case k
    case v
    case qNormScale
    case qNormNormalized
    case kNormScale
    case kNormNormalized
    case rotQ
    case rotK
    case attnScores
    case pattern
    case z
    case result
    case ln1PostScale
    case ln1PostNormalized
    /// `ln1` of a model whose norms stand behind attention and MLP.
    case ln1OutScale
    case ln1OutNormalized
    case attnOut
    case residMid
    case mlpIn
    case ln2Scale
    case ln2Normalized
    case mlpPre
    case mlpPreLinear
    case mlpMid
    case mlpNormScale
    case mlpNormNormalized
    case mlpPost
    case ln2PostScale
    case ln2PostNormalized
    /// `ln2` of a model whose norms stand behind attention and MLP.
    case ln2OutScale
    case ln2OutNormalized
    case mlpOut
    case residPost
    case lnFinalScale
    case lnFinalNormalized
    case logits

    /// One axis of an activation, without the batch.
    public enum Axis: Sendable {
        case pos, sourcePos, head, keyHead, dHead, dModel, dMLP, vocab, one
    }

    /// The name within its scope: behind `blocks.{l}.` for a block's points, whole for the others.
    public var suffix: String { row.suffix }

    /// The name without its scope, such as `z`; whole where that would not say which point it is.
    public var shortName: String {
        for scope in ["attn.hook_", "mlp.hook_", "hook_"] where suffix.hasPrefix(scope) {
            return String(suffix.dropFirst(scope.count))
        }
        return suffix
    }

    /// A name that no other kind has: `ln1.hook_scale` is one of two places, depending on where a model's norms stand.
    public var uniqueName: String {
        switch self {
        case .ln1OutScale, .ln1OutNormalized, .ln2OutScale, .ln2OutNormalized: suffix + " (out)"
        default: suffix
        }
    }

    /// The axes, outermost first, row-major: `[pos, head, dHead]` for `attn.hook_z`.
    public var axes: [Axis] { row.axes }

    /// Whether the point lies in a block and so has a layer.
    public var isPerLayer: Bool { row.scope == .block }

    /// Whether the point costs extra and is computed only when it is named (starred in the table).
    public var isOnDemand: Bool { row.onDemand }

    /// Whether the values are what a norm divides by.
    public var isNormScale: Bool { suffix.hasSuffix(".hook_scale") }

    /// The type of the values as they travel; in a pass all are float32.
    public var elementType: ElementType { self == .tokens ? .int32 : .float32 }

    public static func < (left: HookKind, right: HookKind) -> Bool { left.rawValue < right.rawValue }

    private enum Scope { case model, block }

    private struct Row {
        let suffix: String
        let axes: [Axis]
        var scope: Scope = .block
        var onDemand = false
    }

    private var row: Row {
        switch self {
        case .tokens: Row(suffix: "hook_tokens", axes: [.pos], scope: .model, onDemand: true)
        case .embed: Row(suffix: "hook_embed", axes: [.pos, .dModel], scope: .model)
        case .embedNormScale: Row(suffix: "embed.ln.hook_scale", axes: [.pos, .one], scope: .model)
        case .embedNormNormalized: Row(suffix: "embed.ln.hook_normalized", axes: [.pos, .dModel], scope: .model)
        case .posEmbed: Row(suffix: "hook_pos_embed", axes: [.pos, .dModel], scope: .model)
        case .residPre: Row(suffix: "hook_resid_pre", axes: [.pos, .dModel])
        case .attnIn: Row(suffix: "hook_attn_in", axes: [.pos, .head, .dModel], onDemand: true)
        case .qInput: Row(suffix: "hook_q_input", axes: [.pos, .head, .dModel], onDemand: true)
        case .kInput: Row(suffix: "hook_k_input", axes: [.pos, .keyHead, .dModel], onDemand: true)
        case .vInput: Row(suffix: "hook_v_input", axes: [.pos, .keyHead, .dModel], onDemand: true)
        case .ln1Scale: Row(suffix: "ln1.hook_scale", axes: [.pos, .one])
        case .ln1Normalized: Row(suffix: "ln1.hook_normalized", axes: [.pos, .dModel])
        case .q: Row(suffix: "attn.hook_q", axes: [.pos, .head, .dHead])
        case .k: Row(suffix: "attn.hook_k", axes: [.pos, .keyHead, .dHead])
        case .v: Row(suffix: "attn.hook_v", axes: [.pos, .keyHead, .dHead])
        case .qNormScale: Row(suffix: "attn.q_norm.hook_scale", axes: [.pos, .head, .one])
        case .qNormNormalized: Row(suffix: "attn.q_norm.hook_normalized", axes: [.pos, .head, .dHead])
        case .kNormScale: Row(suffix: "attn.k_norm.hook_scale", axes: [.pos, .keyHead, .one])
        case .kNormNormalized: Row(suffix: "attn.k_norm.hook_normalized", axes: [.pos, .keyHead, .dHead])
        case .rotQ: Row(suffix: "attn.hook_rot_q", axes: [.pos, .head, .dHead])
        case .rotK: Row(suffix: "attn.hook_rot_k", axes: [.pos, .keyHead, .dHead])
        case .attnScores: Row(suffix: "attn.hook_attn_scores", axes: [.head, .pos, .sourcePos])
        case .pattern: Row(suffix: "attn.hook_pattern", axes: [.head, .pos, .sourcePos])
        case .z: Row(suffix: "attn.hook_z", axes: [.pos, .head, .dHead])
        case .result: Row(suffix: "attn.hook_result", axes: [.pos, .head, .dModel], onDemand: true)
        case .ln1PostScale: Row(suffix: "ln1_post.hook_scale", axes: [.pos, .one])
        case .ln1PostNormalized: Row(suffix: "ln1_post.hook_normalized", axes: [.pos, .dModel])
        case .ln1OutScale: Row(suffix: "ln1.hook_scale", axes: [.pos, .one])
        case .ln1OutNormalized: Row(suffix: "ln1.hook_normalized", axes: [.pos, .dModel])
        case .attnOut: Row(suffix: "hook_attn_out", axes: [.pos, .dModel])
        case .residMid: Row(suffix: "hook_resid_mid", axes: [.pos, .dModel])
        case .mlpIn: Row(suffix: "hook_mlp_in", axes: [.pos, .dModel], onDemand: true)
        case .ln2Scale: Row(suffix: "ln2.hook_scale", axes: [.pos, .one])
        case .ln2Normalized: Row(suffix: "ln2.hook_normalized", axes: [.pos, .dModel])
        case .mlpPre: Row(suffix: "mlp.hook_pre", axes: [.pos, .dMLP])
        case .mlpPreLinear: Row(suffix: "mlp.hook_pre_linear", axes: [.pos, .dMLP])
        case .mlpMid: Row(suffix: "mlp.hook_mid", axes: [.pos, .dMLP])
        case .mlpNormScale: Row(suffix: "mlp.ln.hook_scale", axes: [.pos, .one])
        case .mlpNormNormalized: Row(suffix: "mlp.ln.hook_normalized", axes: [.pos, .dMLP])
        case .mlpPost: Row(suffix: "mlp.hook_post", axes: [.pos, .dMLP])
        case .ln2PostScale: Row(suffix: "ln2_post.hook_scale", axes: [.pos, .one])
        case .ln2PostNormalized: Row(suffix: "ln2_post.hook_normalized", axes: [.pos, .dModel])
        case .ln2OutScale: Row(suffix: "ln2.hook_scale", axes: [.pos, .one])
        case .ln2OutNormalized: Row(suffix: "ln2.hook_normalized", axes: [.pos, .dModel])
        case .mlpOut: Row(suffix: "hook_mlp_out", axes: [.pos, .dModel])
        case .residPost: Row(suffix: "hook_resid_post", axes: [.pos, .dModel])
        case .lnFinalScale: Row(suffix: "ln_final.hook_scale", axes: [.pos, .one], scope: .model)
        case .lnFinalNormalized: Row(suffix: "ln_final.hook_normalized", axes: [.pos, .dModel], scope: .model)
        case .logits: Row(suffix: "unembed.hook_out", axes: [.pos, .vocab], scope: .model, onDemand: true)
        }
    }
}
