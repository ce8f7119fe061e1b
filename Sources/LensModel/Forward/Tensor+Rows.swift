import Glibc
import LensTensor

/// Picking and placing rows and columns of `[row, …]` tensors.
extension Tensor {
    /// The named rows, in that order.
    package func gathering(_ wanted: [Int]) -> Tensor {
        if wanted.elementsEqual(0..<shape[0]) { return self }
        let width = rowWidth
        var result = Tensor(uninitialized: [wanted.count] + shape.dropFirst())
        result.withMutablePointer { result in
            withPointer { source in
                for (index, row) in wanted.enumerated() {
                    (result + index * width).update(from: source + row * width, count: width)
                }
            }
        }
        return result
    }

    /// Rows `first`, `first + step`, ….
    func everyRow(from first: Int, by step: Int) -> Tensor {
        gathering(Array(stride(from: first, to: shape[0], by: step)))
    }

    /// Writes `part`'s rows to rows `first`, `first + step`, ….
    mutating func setEveryRow(from first: Int, by step: Int, to part: Tensor) {
        let width = rowWidth
        let rows = shape[0]
        withMutablePointer { target in
            part.withPointer { part in
                for (index, row) in stride(from: first, to: rows, by: step).enumerated() {
                    (target + row * width).update(from: part + index * width, count: width)
                }
            }
        }
    }

    /// Writes all columns of `part` at column `first`.
    mutating func setColumns(_ first: Int, of part: Tensor) {
        let width = rowWidth
        let partWidth = part.rowWidth
        let rows = shape[0]
        withMutablePointer { target in
            part.withPointer { part in
                for row in 0..<rows {
                    (target + row * width + first).update(from: part + row * partWidth, count: partWidth)
                }
            }
        }
    }

    /// Copies columns `first..<first + count` from a tensor of the same width.
    mutating func copyColumns(_ first: Int, count: Int, from other: Tensor) {
        let width = rowWidth
        let rows = shape[0]
        withMutablePointer { target in
            other.withPointer { other in
                for row in 0..<rows {
                    (target + row * width + first).update(from: other + row * width + first, count: count)
                }
            }
        }
    }

    /// Each row `count` times in a row.
    func repeatingRows(_ count: Int) -> Tensor {
        gathering((0..<shape[0]).flatMap { Array(repeating: $0, count: count) })
    }

    /// Sums each group of `count` rows.
    func sumOfRows(by count: Int) -> Tensor {
        let width = rowWidth
        let groups = shape[0] / count
        var result = Tensor(zeros: [groups, width])
        result.withMutablePointer { result in
            withPointer { source in
                for row in 0..<groups * count {
                    let target = result + row / count * width
                    let values = source + row * width
                    for column in 0..<width { target[column] += values[column] }
                }
            }
        }
        return result
    }

    /// Adds `part`'s rows to the rows named; a row may be named more than once.
    mutating func addRows(_ part: Tensor, at rows: [Int]) {
        let width = rowWidth
        withMutablePointer { target in
            part.withPointer { part in
                for (index, row) in rows.enumerated() {
                    for column in 0..<width { target[row * width + column] += part[index * width + column] }
                }
            }
        }
    }

    /// Takes each row's mean off.
    mutating func centerRows() {
        let width = rowWidth
        let rows = shape[0]
        withMutablePointer { values in
            for row in 0..<rows {
                let buffer = UnsafeMutableBufferPointer(start: values + row * width, count: width)
                let mean = Float(buffer.reduce(0.0) { $0 + Double($1) } / Double(width))
                for column in 0..<width { buffer[column] -= mean }
            }
        }
    }
}

extension UnsafeBufferPointer<Float> {
    /// The log of the sum of the exponentials, in float64.
    package func logSumExp() -> Double {
        guard let highest = self.max() else { return -.infinity }
        return Double(highest) + log(reduce(0.0) { $0 + exp(Double($1 - highest)) })
    }

    /// Subtracts the softmax of these logits, weighted.
    func subtractProbabilities(logSum: Double, weight: Float, from target: UnsafeMutablePointer<Float>) {
        for index in indices { target[index] -= weight * Float(exp(Double(self[index]) - logSum)) }
    }
}
