import CLensKernels
import LensCore

/// Adjoints of the work on rows. A `gradient` is with respect to the forward function's result; what is returned is
/// with respect to its input, of the same shape. All tensors are `[row, …]`, row-major float32.
extension ComputePool {
    /// Of ``normApply(_:scale:_:control:)``.
    ///
    /// - Parameters:
    ///   - x: what was normed, `[row, width]`.
    ///   - scale: what it was divided by, `[row, 1]`.
    /// - Returns: with respect to `x`, through the numerator alone, and to `scale`.
    public func normApplyBackward(
        _ gradient: Tensor, x: Tensor, scale: Tensor, _ norm: NormFunction, control: CallControl
    ) throws(LensError) -> (x: Tensor, scale: Tensor) {
        let width = x.rowWidth
        let count = x.shape[0]
        var xGradient = Tensor(uninitialized: [count, width])
        var scaleGradient = Tensor(uninitialized: [count, 1])
        try xGradient.withMutablePointer { (xTarget) throws(LensError) in
            try scaleGradient.withMutablePointer { (scaleTarget) throws(LensError) in
                let (xTarget, scaleTarget) = (Shared(xTarget), Shared(scaleTarget))
                try forRows(count, width: width, control: control) { rows in
                    let first = rows.lowerBound * width
                    withPointers(gradient, x, scale) { gradient, x, scale in
                        lens_norm_apply_backward(
                            x + first, scale + rows.lowerBound, gradient + first, rows.count, width, norm.centers,
                            xTarget.pointer + first, scaleTarget.pointer + rows.lowerBound)
                    }
                }
            }
        }
        return (xGradient, scaleGradient)
    }

    /// Of ``normScale(_:_:control:)``, added to `target`.
    ///
    /// - Parameter scale: what the forward function gave, `[row, 1]`.
    public func normScaleBackward(
        _ gradient: Tensor, x: Tensor, scale: Tensor, _ norm: NormFunction, addingTo target: inout Tensor,
        control: CallControl
    ) throws(LensError) {
        let width = x.rowWidth
        let count = x.shape[0]
        try target.withMutablePointer { (target) throws(LensError) in
            let target = Shared(target)
            try forRows(count, width: width, control: control) { rows in
                let first = rows.lowerBound * width
                withPointers(gradient, x, scale) { gradient, x, scale in
                    lens_norm_scale_backward(
                        x + first, scale + rows.lowerBound, gradient + rows.lowerBound, rows.count, width, norm.centers,
                        target.pointer + first)
                }
            }
        }
    }

    /// Of ``scaleShift(_:centers:weight:bias:control:)``.
    public func scaleShiftBackward(
        _ gradient: Tensor, centers: Bool, weight: Tensor, control: CallControl
    ) throws(LensError) -> Tensor {
        let width = gradient.rowWidth
        return try mapRows(gradient, width: width, control: control) { source, rows, result in
            weight.withPointer { lens_scale_shift_backward(source, rows.count, width, centers ? 1 : 0, $0, result) }
        }
    }
}

extension ComputePool {
    /// Of `x · W[outputs]ᵀ`: `gradient[columns] · W[outputs]`, `[rows, inputs]`.
    ///
    /// - Parameters:
    ///   - gradient: `[row, …]`, its columns those of the forward product.
    ///   - sum: what the result is added to; `nil` is zero.
    public func multiplyBackward(
        _ gradient: Tensor, through weight: Weight, addingTo sum: Tensor? = nil, control: CallControl
    ) throws(LensError) -> Tensor {
        let count = gradient.shape[0]
        let (outputs, inputs) = (weight.outputs, weight.inputs)
        var result = sum ?? Tensor(uninitialized: [count, inputs])
        let blocking = Blocking(rows: count, columns: inputs, inner: outputs, threads: threads)
        try result.withMutablePointer { (result) throws(LensError) in
            let result = Shared(result)
            try run(blocks: blocking.count, control: control) { block in
                let (rows, columns) = blocking[block]
                withPointers(gradient, weight.tensor) { gradient, weight in
                    multiplyPlain(
                        gradient + rows.lowerBound * outputs, strideA: outputs, rows: rows.count,
                        weight + columns.lowerBound, strideB: inputs, columns: columns.count, inner: outputs,
                        into: result.pointer + rows.lowerBound * inputs + columns.lowerBound, strideC: inputs,
                        adding: sum != nil)
                }
            }
        }
        return result
    }

    /// Head by head: of products in which head `h` has rows `h · dHead …` of the weight and an input of its own.
    ///
    /// - Parameters:
    ///   - gradient: `[row, head, dHead]`
    ///   - weight: `[head · dHead, dModel]`
    /// - Returns: `[row, head, dModel]`
    public func multiplyHeadsBackward(
        _ gradient: Tensor, through weight: Weight, heads: Int, control: CallControl
    ) throws(LensError) -> Tensor {
        let count = gradient.shape[0]
        let width = weight.inputs
        let dHead = weight.outputs / max(heads, 1)
        var result = Tensor(uninitialized: [count, heads, width])
        try result.withMutablePointer { (result) throws(LensError) in
            let result = Shared(result)
            try run(blocks: heads, control: control) { head in
                withPointers(gradient, weight.tensor) { gradient, weight in
                    multiplyPlain(
                        gradient + head * dHead, strideA: heads * dHead, rows: count, weight + head * dHead * width,
                        strideB: width, columns: width, inner: dHead, into: result.pointer + head * width,
                        strideC: heads * width)
                }
            }
        }
        return result
    }

    /// Head by head: of products in which head `h` meets columns `h · dHead …` of the weight.
    ///
    /// - Parameters:
    ///   - gradient: `[row, head, dModel]`
    ///   - weight: `[dModel, head · dHead]`
    /// - Returns: `[row, head, dHead]`
    public func multiplyResultsBackward(
        _ gradient: Tensor, through weight: Weight, heads: Int, control: CallControl
    ) throws(LensError) -> Tensor {
        let count = gradient.shape[0]
        let width = weight.outputs
        let dHead = weight.inputs / max(heads, 1)
        var result = Tensor(uninitialized: [count, heads, dHead])
        try result.withMutablePointer { (result) throws(LensError) in
            let result = Shared(result)
            try run(blocks: heads, control: control) { head in
                withPointers(gradient, weight.tensor) { gradient, weight in
                    multiplyPlain(
                        gradient + head * width, strideA: heads * width, rows: count, weight + head * dHead,
                        strideB: heads * dHead, columns: dHead, inner: width, into: result.pointer + head * dHead,
                        strideC: heads * dHead)
                }
            }
        }
        return result
    }
}

func withPointers<Result>(
    _ a: Tensor, _ b: Tensor, _ body: (UnsafePointer<Float>, UnsafePointer<Float>) -> Result
) -> Result {
    a.withPointer { a in b.withPointer { body(a, $0) } }
}

func withPointers<Result>(
    _ a: Tensor, _ b: Tensor, _ c: Tensor,
    _ body: (UnsafePointer<Float>, UnsafePointer<Float>, UnsafePointer<Float>) -> Result
) -> Result {
    a.withPointer { a in b.withPointer { b in c.withPointer { body(a, b, $0) } } }
}
