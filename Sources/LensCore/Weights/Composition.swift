/// Through which of its inputs a head reads what earlier ones wrote.
public enum CompositionKind: Int, Sendable, CaseIterable {
    case q = 1
    case k
    case v
}

/// Asks how much of what each head writes each later one reads, as TransformerLens's `all_composition_scores`.
///
/// The answer is an array `[layer, head, layer, head]`: `‖L R‖ / (‖L‖ ‖R‖)` in Frobenius norms, of the earlier head's
/// `L = W_V W_O` and of the later one's `R`: `W_Q W_Kᵀ`, `W_K W_Qᵀ` or `W_V W_O`. Zero where the second head is in no
/// later layer.
public struct CompositionRequest: Sendable {
    public var model: ModelReference
    public var kind: CompositionKind

    public init(model: ModelReference, kind: CompositionKind) {
        self.model = model
        self.kind = kind
    }
}
