import LensCore
import LensTensor

/// Where a pass computes, and the call it computes for.
public struct Compute: Sendable {
    public let pool: ComputePool
    public let control: CallControl

    public init(pool: ComputePool, control: CallControl) {
        self.pool = pool
        self.control = control
    }
}

extension Compute {
    /// A norm's divisor: `[row, width]` gives `[row, 1]`.
    func scale(_ norm: WeightForm.NormForm, _ x: Tensor) throws(LensError) -> Tensor {
        try pool.normScale(x, norm.function, control: control)
    }

    /// `x` brought to one size, before the norm's own weight.
    func normalize(_ norm: WeightForm.NormForm, _ x: Tensor, scale: Tensor) throws(LensError) -> Tensor {
        try pool.normApply(x, scale: scale, norm.function, control: control)
    }

    func add(_ a: Tensor, _ b: Tensor) throws(LensError) -> Tensor {
        try pool.add(a, b, control: control)
    }

    /// A normalised row as the matrices behind the norm take it.
    ///
    /// - Parameter norm: `nil` where the model has none.
    func enter(_ norm: WeightForm.NormForm?, _ normalized: Tensor) throws(LensError) -> Tensor {
        guard let norm else { return normalized }
        return try pool.scaleShift(
            normalized, centers: norm.centers, weight: norm.weight, bias: norm.bias, control: control)
    }

    /// Rows as the matrices behind a norm take them, where nobody looks at the norm.
    ///
    /// - Parameter norm: `nil` where the model has none.
    func normAndEnter(_ norm: WeightForm.NormForm?, _ x: Tensor) throws(LensError) -> Tensor {
        guard let norm else { return x }
        return try pool.normScaleShift(
            x, norm.function, centers: norm.centers, weight: norm.weight, bias: norm.bias, control: control)
    }

    /// `x · Wᵀ`, minus its mean where `centers`, plus the bias.
    func linear(
        _ x: Tensor, _ weight: Weight, centers: Bool = false, bias: Tensor? = nil
    ) throws(LensError) -> Tensor {
        guard centers else { return try pool.multiply(x, by: weight, bias: bias, control: control) }
        // The mean needs whole rows, so it waits for all blocks.
        var result = try pool.multiply(x, by: weight, control: control)
        try pool.finishRows(&result, centers: true, bias: bias, control: control)
        return result
    }
}
