import CLensKernels
import Glibc

/// One row of logits, `[vocab]`, in memory of the caller's.
extension UnsafeMutableBufferPointer<Float> {
    /// In place: softmax. A row of −∞ only becomes zeros, one with a NaN becomes NaN.
    package func softmax() {
        if let baseAddress { lens_softmax(baseAddress, count) }
    }

    /// The log of the sum of the exponentials.
    package func fastLogSumExp() -> Double {
        guard let baseAddress else { return -.infinity }
        var maximum = -Float.infinity
        var sum: Float = 0
        lens_log_sum_exp_update(baseAddress, 1, count, count, nil, &maximum, &sum)
        return Double(maximum) + log(Double(sum))
    }
}
