import CLensKernels
import LensCore

/// How a norm brings rows to one size: layer norm takes their mean off first, RMS norm does not.
public struct NormFunction: Sendable, Equatable {
    public let subtractsMean: Bool
    public let eps: Float

    public init(subtractsMean: Bool, eps: Float) {
        self.subtractsMean = subtractsMean
        self.eps = eps
    }

    /// As the kernels take it.
    var centers: Int32 { subtractsMean ? 1 : 0 }
}

/// Work on rows, each on its own: norms, sums. All tensors are `[row, …]`, row-major float32.
extension ComputePool {
    /// A norm's divisor: `√(mean((x − mean(x))²) + eps)`, the mean of `x` only for layer norm; `[row, width]` gives
    /// `[row, 1]`.
    public func normScale(_ x: Tensor, _ norm: NormFunction, control: CallControl) throws(LensError) -> Tensor {
        let width = x.rowWidth
        return try mapRows(x, width: 1, control: control) { source, rows, result in
            lens_norm_scale(source, rows.count, width, norm.centers, norm.eps, result)
        }
    }

    /// `(x − mean(x)) / scale`, the mean only for layer norm: `[row, width]` and `[row, 1]` give `[row, width]`.
    public func normApply(
        _ x: Tensor, scale: Tensor, _ norm: NormFunction, control: CallControl
    ) throws(LensError) -> Tensor {
        let width = x.rowWidth
        return try mapRows(x, width: width, control: control) { source, rows, result in
            scale.withPointer {
                lens_norm_apply(source, $0 + rows.lowerBound, rows.count, width, norm.centers, result)
            }
        }
    }

    /// `(x − mean(x)) ⊙ weight + bias`, the mean only where `centers` says so.
    public func scaleShift(
        _ x: Tensor, centers: Bool, weight: Tensor, bias: Tensor?, control: CallControl
    ) throws(LensError) -> Tensor {
        let width = x.rowWidth
        return try mapRows(x, width: width, control: control) { source, rows, result in
            weight.withPointer { weight in
                withOptionalPointer(bias) { bias in
                    lens_scale_shift(source, rows.count, width, centers ? 1 : 0, weight, bias, result)
                }
            }
        }
    }

    /// A norm and ``scaleShift(_:centers:weight:bias:control:)`` in one go, where nobody looks in between.
    public func normScaleShift(
        _ x: Tensor, _ norm: NormFunction, centers: Bool, weight: Tensor, bias: Tensor?, control: CallControl
    ) throws(LensError) -> Tensor {
        let width = x.rowWidth
        return try mapRows(x, width: width, control: control) { source, rows, result in
            withUnsafeTemporaryAllocation(of: Float.self, capacity: rows.count * (width + 1)) { scratch in
                guard let normalized = scratch.baseAddress else { return }
                let scale = normalized + rows.count * width
                lens_norm_scale(source, rows.count, width, norm.centers, norm.eps, scale)
                lens_norm_apply(source, scale, rows.count, width, norm.centers, normalized)
                weight.withPointer { weight in
                    withOptionalPointer(bias) { bias in
                        lens_scale_shift(normalized, rows.count, width, centers ? 1 : 0, weight, bias, result)
                    }
                }
            }
        }
    }

    /// In place: `x − mean(x) + bias`, the mean only where `centers` says so.
    public func finishRows(
        _ x: inout Tensor, centers: Bool, bias: Tensor?, control: CallControl
    ) throws(LensError) {
        let width = x.rowWidth
        let count = x.shape[0]
        if !centers, bias == nil { return }
        try x.withMutablePointer { (x) throws(LensError) in
            let x = Shared(x)
            try forRows(count, width: width, control: control) { rows in
                withOptionalPointer(bias) { bias in
                    lens_finish_rows(
                        x.pointer + rows.lowerBound * width, rows.count, width, width, centers ? 1 : 0, bias)
                }
            }
        }
    }

    /// `a + b`, of one shape.
    public func add(_ a: Tensor, _ b: Tensor, control: CallControl) throws(LensError) -> Tensor {
        let width = a.rowWidth
        return try mapRows(a, width: width, control: control) { source, rows, result in
            b.withPointer { lens_add(source, $0 + rows.lowerBound * width, rows.count * width, result) }
        }.reshaped(a.shape)
    }

    // MARK: - Cutting

    /// Cuts rows into blocks of some tens of thousands of values.
    func forRows(
        _ count: Int, width: Int, control: CallControl, _ body: @escaping @Sendable (Range<Int>) -> Void
    ) throws(LensError) {
        let step = max(16384 / max(width, 1), 1)
        try run(blocks: (count + step - 1) / step, control: control) { block in
            body(block * step..<min((block + 1) * step, count))
        }
    }

    /// Makes `[row, width]` from `x`, block by block; `body` gets the block's first source and result rows.
    func mapRows(
        _ x: Tensor, width: Int, control: CallControl,
        _ body: @escaping @Sendable (UnsafePointer<Float>, Range<Int>, UnsafeMutablePointer<Float>) -> Void
    ) throws(LensError) -> Tensor {
        let sourceWidth = x.rowWidth
        var result = Tensor(uninitialized: [x.shape[0], width])
        try result.withMutablePointer { (result) throws(LensError) in
            let result = Shared(result)
            try forRows(x.shape[0], width: sourceWidth, control: control) { rows in
                x.withPointer {
                    body($0 + rows.lowerBound * sourceWidth, rows, result.pointer + rows.lowerBound * width)
                }
            }
        }
        return result
    }
}

func withOptionalPointer<Result>(_ tensor: Tensor?, _ body: (UnsafePointer<Float>?) -> Result) -> Result {
    guard let tensor else { return body(nil) }
    return tensor.withPointer { body($0) }
}
