import LensCore
import LensTensor

/// Directions along which something reads the residual stream, taken back to where the stream is written.
///
/// With a norm's divisor held as the pass had it, everything between two places is linear: what is read of a part of
/// the stream is a product with ``directions``, divided by the row's scale where a norm lies between. So the parts are
/// never written out as `[row, dModel]`: a head's is read from its `z`, a neuron's from its activation.
package struct ResidualReader: Sendable {
    /// `[direction, dModel]`
    package let directions: Tensor

    package init(directions: Tensor) {
        self.directions = directions
    }

    /// The same directions before a norm, but for its divisor.
    func behind(_ norm: WeightForm.NormForm?, on compute: Compute) throws(LensError) -> ResidualReader {
        guard let norm else { return self }
        var gradient = try compute.enterBackward(norm, directions)
        try compute.pool.finishRows(
            &gradient, centers: norm.function.subtractsMean, bias: nil, control: compute.control)
        return ResidualReader(directions: gradient)
    }

    /// The same directions before a matrix that writes to the stream: `[direction, inputs]`.
    func behind(
        _ weight: Weight, centers: Bool, on compute: Compute
    ) throws(LensError) -> ResidualReader {
        ResidualReader(directions: try compute.linearBackward(directions, weight, centers: centers))
    }

    /// What is read of rows: `[row, width]` gives `[row, direction]`.
    package func read(_ rows: Tensor, on compute: Compute) throws(LensError) -> Tensor {
        try compute.pool.multiply(rows, by: Weight(directions), control: compute.control)
    }

    /// What is read of one vector, such as a bias: `[direction]`; zeros of none.
    func read(_ vector: Tensor?, on compute: Compute) throws(LensError) -> Tensor {
        let count = directions.shape[0]
        guard let vector else { return Tensor(zeros: [count]) }
        return try read(vector.reshaped([1, vector.count]), on: compute).reshaped([count])
    }

    /// Some of the inputs: of a head's `z`.
    func columns(_ columns: Range<Int>) -> ResidualReader {
        ResidualReader(directions: directions.columns(columns))
    }
}

extension Tensor {
    /// Columns of `[row, width]`, copied.
    func columns(_ columns: Range<Int>) -> Tensor {
        let (rows, width) = (shape[0], rowWidth)
        var part = Tensor(uninitialized: [rows, columns.count])
        part.withMutablePointer { part in
            withPointer { source in
                for row in 0..<rows {
                    (part + row * columns.count).update(
                        from: source + row * width + columns.lowerBound, count: columns.count)
                }
            }
        }
        return part
    }

    /// Each row divided by its entry of `scale`, `[row, 1]`; the same where there is none.
    func dividingRows(by scale: Tensor?) -> Tensor {
        guard let scale else { return self }
        var result = self
        let (rows, width) = (shape[0], rowWidth)
        result.withMutablePointer { result in
            scale.withPointer { scale in
                for row in 0..<rows {
                    for column in row * width..<(row + 1) * width { result[column] /= scale[row] }
                }
            }
        }
        return result
    }

    /// Elementwise, of equal shapes.
    mutating func add(_ other: Tensor) {
        let count = count
        withMutablePointer { values in
            other.withPointer { other in
                for index in 0..<count { values[index] += other[index] }
            }
        }
    }

    /// Elementwise, of equal shapes.
    mutating func subtract(_ other: Tensor) {
        let count = count
        withMutablePointer { values in
            other.withPointer { other in
                for index in 0..<count { values[index] -= other[index] }
            }
        }
    }
}
