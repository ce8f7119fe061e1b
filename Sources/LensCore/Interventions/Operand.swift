/// Values that an edit brings along: row-major float32, held against the selected part by NumPy's broadcasting.
public struct Operand: Sendable, Hashable {
    /// Empty for a single number.
    public let shape: [Int]
    public let values: [Float]

    /// - Throws: `INVALID_ARGUMENT` where shape and number of values differ, or a value is NaN.
    public init(shape: [Int], values: [Float]) throws(LensError) {
        var count = 1
        for size in shape {
            let (product, overflow) = count.multipliedReportingOverflow(by: size)
            guard size >= 0, !overflow else { throw .invalidArgument("an operand cannot have shape \(shape)") }
            count = product
        }
        guard shape.count <= 8, count == values.count, count > 0 else {
            throw .invalidArgument("an operand of shape \(shape) cannot hold \(values.count) values")
        }
        if let position = values.firstIndex(where: \.isNaN) {
            throw .invalidArgument("an operand holds numbers; value \(position) is NaN")
        }
        self.shape = shape
        self.values = values
    }

    /// A single number.
    public init(_ value: Float) throws(LensError) { try self.init(shape: [], values: [value]) }
}
