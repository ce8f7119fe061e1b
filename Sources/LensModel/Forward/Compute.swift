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
    func layerNormScale(_ x: Tensor, _ configuration: ModelConfiguration) throws(LensError) -> Tensor {
        try pool.layerNormScale(x, eps: configuration.eps, control: control)
    }

    func layerNormApply(_ x: Tensor, scale: Tensor) throws(LensError) -> Tensor {
        try pool.layerNormApply(x, scale: scale, control: control)
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

    /// The residual stream as the matrices behind a norm take it, where nobody looks at the norm.
    func normAndEnter(
        _ norm: WeightForm.NormForm?, _ x: Tensor, _ configuration: ModelConfiguration
    ) throws(LensError) -> Tensor {
        guard let norm else { return x }
        return try pool.layerNormScaleShift(
            x, eps: configuration.eps, centers: norm.centers, weight: norm.weight, bias: norm.bias, control: control)
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
