/// What a sweep puts in the place of each head's activation.
public enum AblationKind: String, Sendable, CaseIterable {
    case zero
    /// The mean over the sequence's own positions.
    case mean
}
