/// A pass whose activations are meant.
public enum PassSource: Sendable {
    /// An id, a unique prefix of one, or `last`; looked up among the caller's own runs.
    case run(String)
    /// A pass that is not recorded.
    case prompts(ModelReference, [Prompt], [InterventionSpec])
}
