import LensCore
import LensTensor

/// The heads of a layer as factors of their circuits: a row of the residual stream goes through `input`, then through
/// `output`.
///
/// As TransformerLens's `FactoredMatrix` has them: no norm stands between embedding and head beyond what is folded into
/// the weights, and rotations, caps and norms of single queries and keys are left out.
public struct LayerCircuits: Sendable {
    private let first: PreparedParameter
    private let second: PreparedParameter
    /// What keys are multiplied with; `nil` for an OV circuit.
    private let scale: Float?

    /// - Throws: `CANCELLED` or `DEADLINE_EXCEEDED`.
    public init(
        _ kind: CircuitKind, layer: Int, of model: LanguageModel, _ form: ModelReference.Form, on compute: Compute
    ) throws(LensError) {
        func prepared(_ name: String) throws(LensError) -> PreparedParameter {
            try PreparedParameter(model.parameter("blocks.\(layer).attn.\(name)", form), on: compute)
        }
        switch kind {
        case .ov:
            first = try prepared("W_V")
            second = try prepared("W_O")
            scale = nil
        case .qk:
            first = try prepared("W_Q")
            second = try prepared("W_K")
            scale = model.attention(layer).scale
        }
    }

    /// `W_V` or `W_Q` of a head, `[dModel, dHead]`, and `W_O` or `W_Kᵀ` times the scores' scale, `[dHead, dModel]`.
    ///
    /// - Throws: `CANCELLED` or `DEADLINE_EXCEEDED`.
    public func factors(head: Int, on compute: Compute) throws(LensError) -> (input: Tensor, output: Tensor) {
        let input = try first.entries(head..<head + 1, on: compute)
        var output = try second.entries(head..<head + 1, on: compute)
        output = output.reshaped(Array(output.shape.dropFirst()))
        if let scale {
            output = try compute.pool.transposed(output, control: compute.control)
            output.scale(by: scale)
        }
        return (input.reshaped(Array(input.shape.dropFirst())), output)
    }
}
