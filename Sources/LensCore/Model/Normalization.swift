/// How rows of the residual stream are brought to one size, by TransformerLens's names.
public enum NormalizationType: String, Sendable {
    /// `(x − mean) / √(variance + eps)`
    case layerNorm = "LN"
    /// `x / √(mean(x²) + eps)`
    case rms = "RMS"
    /// Nothing is done, and there are no norms.
    case none = ""
}

/// Where a block's norms stand.
public enum NormPlacement: String, Sendable {
    /// Before attention and MLP: `ln1`, `ln2`.
    case before
    /// Before and behind them: `ln1_post`, `ln2_post` norm what is added to the residual stream (Gemma 2).
    case beforeAndAfter = "before_and_after"
    /// Behind them only: `ln1`, `ln2` norm what is added to the residual stream (OLMo 2).
    case after
}

/// What queries and keys are normed over, by RMS, where they are.
public enum QKNorm: String, Sendable {
    /// Each head for itself (Qwen 3).
    case perHead = "per_head"
    /// All heads of a position together (OLMo 2).
    case allHeads = "all_heads"
}

/// A step of TransformerLens's default weight processing, by its name there, in the order of the steps.
public enum ProcessingStep: String, Sendable, CaseIterable {
    case foldLn = "fold_ln"
    case centerWritingWeights = "center_writing_weights"
    case centerUnembed = "center_unembed"
    case foldValueBiases = "fold_value_biases"
}
