import LensCore
import LensTensor

/// Adjoints of what a pass computes with.
extension Compute {
    /// Of ``enter(_:_:)``.
    func enterBackward(_ norm: WeightForm.NormForm?, _ gradient: Tensor) throws(LensError) -> Tensor {
        guard let norm else { return gradient }
        return try pool.scaleShiftBackward(gradient, centers: norm.centers, weight: norm.weight, control: control)
    }

    /// Of ``normalize(_:_:scale:)``: with respect to `x`, through the numerator alone, and to the scale.
    ///
    /// - Parameter scale: what was divided by where that was edited; `nil` where it is the norm's own.
    func normApplyBackward(
        _ gradient: Tensor, x: Tensor, scale: Tensor?, _ norm: WeightForm.NormForm
    ) throws(LensError) -> (x: Tensor, scale: Tensor) {
        var divisor = scale
        if divisor == nil { divisor = try self.scale(norm, x) }
        guard let divisor else { throw LensError(.internal, "a norm has no scale") }
        return try pool.normApplyBackward(gradient, x: x, scale: divisor, norm.function, control: control)
    }

    /// Of ``scale(_:_:)``.
    func normScaleBackward(
        _ gradient: Tensor, x: Tensor, _ norm: WeightForm.NormForm, addingTo target: inout Tensor
    ) throws(LensError) {
        try pool.normScaleBackward(
            gradient, x: x, scale: scale(norm, x), norm.function, addingTo: &target, control: control)
    }

    /// Of ``linear(_:_:centers:bias:)``.
    func linearBackward(
        _ gradient: Tensor, _ weight: Weight, centers: Bool = false, addingTo sum: Tensor? = nil
    ) throws(LensError) -> Tensor {
        var gradient = gradient
        // Centring is symmetric.
        try pool.finishRows(&gradient, centers: centers, bias: nil, control: control)
        return try pool.multiplyBackward(gradient, through: weight, addingTo: sum, control: control)
    }
}
