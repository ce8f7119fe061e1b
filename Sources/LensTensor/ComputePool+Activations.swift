import CLensKernels
import LensCore

/// What stands between an MLP's matrices, and what holds values within bounds; the adjoints of both. All tensors are
/// `[row, …]`, row-major float32.
extension ComputePool {
    /// In place: an activation function.
    public func activate(
        _ x: inout Tensor, _ function: ActivationFunction, control: CallControl
    ) throws(LensError) {
        let width = x.rowWidth
        try changeRows(&x, control: control) { x, rows in
            let count = rows.count * width
            switch function {
            case .geluNew, .geluFast, .geluPytorchTanh: lens_gelu_new(x, count)
            case .gelu: lens_gelu(x, count)
            case .relu: lens_relu(x, count, 0)
            case .relu2: lens_relu(x, count, 1)
            case .silu: lens_silu(x, count)
            case .solu, .soluLn: lens_solu(x, rows.count, width)
            }
        }
    }

    /// Of ``activate(_:_:control:)``; `x` is its input.
    public func activateBackward(
        _ gradient: Tensor, x: Tensor, _ function: ActivationFunction, control: CallControl
    ) throws(LensError) -> Tensor {
        let width = gradient.rowWidth
        return try mapRows(gradient, width: width, control: control) { source, rows, result in
            x.withPointer { x in
                let x = x + rows.lowerBound * width
                let count = rows.count * width
                switch function {
                case .geluNew, .geluFast, .geluPytorchTanh: lens_gelu_new_backward(x, source, count, result)
                case .gelu: lens_gelu_backward(x, source, count, result)
                case .relu: lens_relu_backward(x, source, count, 0, result)
                case .relu2: lens_relu_backward(x, source, count, 1, result)
                case .silu: lens_silu_backward(x, source, count, result)
                case .solu, .soluLn: lens_solu_backward(x, source, rows.count, width, result)
                }
            }
        }
    }

    /// `a ⊙ b + bias`, `a` and `b` of one shape, `bias` `[width]`.
    public func multiplyAdd(
        _ a: Tensor, _ b: Tensor, bias: Tensor? = nil, control: CallControl
    ) throws(LensError) -> Tensor {
        let width = a.rowWidth
        return try mapRows(a, width: width, control: control) { source, rows, result in
            withOptionalPointer(bias) { bias in
                b.withPointer {
                    lens_multiply_add(source, $0 + rows.lowerBound * width, bias, rows.count, width, result)
                }
            }
        }
    }

    /// In place: every value held within `±limit`.
    public func clamp(_ x: inout Tensor, limit: Float, control: CallControl) throws(LensError) {
        let width = x.rowWidth
        try changeRows(&x, control: control) { x, rows in lens_clamp(x, rows.count * width, limit) }
    }

    /// Of ``clamp(_:limit:control:)``, in place; `x` is its input.
    public func clampBackward(
        _ gradient: inout Tensor, x: Tensor, limit: Float, control: CallControl
    ) throws(LensError) {
        let width = x.rowWidth
        try changeRows(&gradient, control: control) { gradient, rows in
            x.withPointer { lens_clamp_backward($0 + rows.lowerBound * width, gradient, rows.count * width, limit) }
        }
    }

    /// In place: queries or keys turned to their positions.
    ///
    /// - Parameters:
    ///   - x: `[row, head, dHead]`
    ///   - turns: `[row, dim]`: for each pair its cosine, then for each its sine.
    ///   - adjacentPairs: whether components `2i` and `2i + 1` are a pair; else `i` and `i + dim / 2` are one.
    ///   - backwards: turns them back, which is the adjoint.
    public func rotate(
        _ x: inout Tensor, by turns: Tensor, heads: Int, adjacentPairs: Bool, backwards: Bool = false,
        control: CallControl
    ) throws(LensError) {
        let dHead = x.rowWidth / max(heads, 1)
        let dim = turns.rowWidth
        try changeRows(&x, control: control) { x, rows in
            turns.withPointer {
                lens_rotate(
                    x, $0 + rows.lowerBound * dim, rows.count, heads, dHead, dim, adjacentPairs ? 1 : 0,
                    backwards ? -1 : 1)
            }
        }
    }

    /// Changes rows in place, block by block; `body` gets the block's first row.
    private func changeRows(
        _ x: inout Tensor, control: CallControl,
        _ body: @escaping @Sendable (UnsafeMutablePointer<Float>, Range<Int>) -> Void
    ) throws(LensError) {
        let (count, width) = (x.shape[0], x.rowWidth)
        try x.withMutablePointer { (x) throws(LensError) in
            let x = Shared(x)
            try forRows(count, width: width, control: control) { body(x.pointer + $0.lowerBound * width, $0) }
        }
    }
}
