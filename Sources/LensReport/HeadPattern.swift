import LensCore

/// The attention pattern of one head over one prompt.
public struct HeadPattern: Sendable {
    public let layer: Int
    public let head: Int
    /// `[pos, pos]` (destination, source), row-major float32; each row sums to 1, and nothing lies after the diagonal.
    public let weights: [Float]

    public init(layer: Int, head: Int, weights: [Float]) {
        self.layer = layer
        self.head = head
        self.weights = weights
    }

    /// Takes one layer's `hook_pattern`, `[head, pos, pos]` row-major float32, apart into its heads.
    ///
    /// - Throws: `INVALID_ARGUMENT` when the values do not fill whole `[pos, pos]` matrices.
    public static func heads(layer: Int, positions: Int, values: [Float]) throws(LensError) -> [HeadPattern] {
        let (size, overflows) = positions.multipliedReportingOverflow(by: positions)
        guard positions > 0, !overflows, values.count.isMultiple(of: size) else {
            throw .invalidArgument(
                "patterns over \(positions) positions come in whole [pos, pos] matrices; received "
                    + "\(values.count) values")
        }
        return stride(from: 0, to: values.count, by: size).enumerated().map { head, start in
            HeadPattern(layer: layer, head: head, weights: Array(values[start..<start + size]))
        }
    }
}
