import LensCore
import LensTensor

extension ForwardState {
    /// Logits of rows of the residual stream, from whatever place: through the final norm, each row with its own scale.
    ///
    /// - Parameter residual: `[row, dModel]`
    /// - Returns: `[row, vocab]`
    public func logits(of residual: Tensor, on compute: Compute) throws(LensError) -> Tensor {
        try compute.pool.logits(
            compute.normAndEnter(form.lnFinal, residual), through: form.unembedding, control: compute.control)
    }
}
