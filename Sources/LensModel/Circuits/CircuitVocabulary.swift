import LensCore
import LensTensor

/// What stands around a head in a full circuit: the embedding before it; behind it the unembedding (OV), or the
/// embedding of the tokens that are attended to (QK).
public struct CircuitVocabulary: Sendable {
    private let embedding: PreparedParameter
    private let unembedding: PreparedParameter?

    /// - Throws: `CANCELLED` or `DEADLINE_EXCEEDED`.
    public init(
        _ kind: CircuitKind, of model: LanguageModel, _ form: ModelReference.Form, on compute: Compute
    ) throws(LensError) {
        embedding = try PreparedParameter(model.parameter("W_E", form), on: compute)
        unembedding = kind == .ov ? try PreparedParameter(model.parameter("W_U", form), on: compute) : nil
    }

    /// Rows of `W_E`, `[token, dModel]`.
    ///
    /// - Throws: `CANCELLED` or `DEADLINE_EXCEEDED`.
    public func rows(_ tokens: Range<Int>, on compute: Compute) throws(LensError) -> Tensor {
        try embedding.entries(tokens, on: compute)
    }

    /// Columns of `W_U` or of `W_Eᵀ`, `[dModel, token]`.
    ///
    /// - Throws: `CANCELLED` or `DEADLINE_EXCEEDED`.
    public func columns(_ tokens: Range<Int>, on compute: Compute) throws(LensError) -> Tensor {
        if let unembedding { return try unembedding.columns(tokens, on: compute) }
        return try compute.pool.transposed(embedding.entries(tokens, on: compute), control: compute.control)
    }
}
