import LensCore
import LensTensor

extension LanguageModel {
    /// A matrix of every head of a layer with `dHead` rows: `W_O` as it is, `W_Qᵀ`, `W_Kᵀ` or `W_Vᵀ`, with keys and
    /// values repeated for heads that share them: `[head, dHead, dModel]`.
    ///
    /// - Throws: `CANCELLED` or `DEADLINE_EXCEEDED`.
    public func headRows(
        _ matrix: HeadMatrix, layer: Int, _ form: ModelReference.Form, on compute: Compute
    ) throws(LensError) -> Tensor {
        let parameter = try parameter("blocks.\(layer).attn.\(matrix.rawValue)", form)
        let whole = try PreparedParameter(parameter, on: compute).whole(on: compute)
        if matrix == .output { return whole }
        let (dModel, dHead) = (whole.shape[1], whole.shape[2])
        var heads: [(tensor: Tensor, rows: Range<Int>)] = []
        for head in 0..<whole.shape[0] {
            let own = whole.rows(head..<head + 1).reshaped([dModel, dHead])
            heads.append((try compute.pool.transposed(own, control: compute.control), 0..<dHead))
        }
        return Tensor.stacking(heads).reshaped([heads.count, dHead, dModel])
    }
}

/// What a head is made of, by TransformerLens's names.
public enum HeadMatrix: String, Sendable {
    case query = "W_Q"
    case key = "W_K"
    case value = "W_V"
    case output = "W_O"
}
