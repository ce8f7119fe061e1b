import CLensKernels
import LensCore

/// Products of matrices that are made on the way, none of them a weight. All are row-major float32.
extension ComputePool {
    /// `A · B`: `[row, inner]` by `[inner, column]`.
    ///
    /// - Parameter sum: what the result is added to; `nil` is zero.
    public func product(
        _ a: Tensor, _ b: Tensor, addingTo sum: Tensor? = nil, control: CallControl
    ) throws(LensError) -> Tensor {
        // The same as the gradient that goes back through a linear layer.
        try multiplyBackward(a, through: Weight(b), addingTo: sum, control: control)
    }

    /// Each matrix by the other of the same index: `[index, row, inner]` by `[index, inner, column]`.
    public func products(_ a: Tensor, _ b: Tensor, control: CallControl) throws(LensError) -> Tensor {
        let (count, rows, inner, columns) = (a.shape[0], a.shape[1], a.shape[2], b.shape[2])
        var result = Tensor(uninitialized: [count, rows, columns])
        // Some tens of millions of multiplications each.
        let step = max(20_000_000 / max(inner * columns, 1), 1)
        let rowBlocks = (rows + step - 1) / step
        try result.withMutablePointer { (result) throws(LensError) in
            let result = Shared(result)
            try run(blocks: count * rowBlocks, control: control) { block in
                let (index, first) = (block / rowBlocks, block % rowBlocks * step)
                withPointers(a, b) { a, b in
                    multiplyPlain(
                        a + (index * rows + first) * inner, strideA: inner, rows: min(step, rows - first),
                        b + index * inner * columns, strideB: columns, columns: columns, inner: inner,
                        into: result.pointer + (index * rows + first) * columns, strideC: columns)
                }
            }
        }
        return result
    }

    /// `[row, column]` the other way round, `[column, row]`.
    public func transposed(_ x: Tensor, control: CallControl) throws(LensError) -> Tensor {
        let weight = Weight(x)
        return try turned(
            weight, inputs: 0..<weight.inputs, outputs: 0..<weight.outputs, TurnedTerms(), control: control)
    }

    /// The sums of the squares of blocks of a matrix `[blockRow · height, blockColumn · width]`:
    /// `[blockRow, blockColumn]`.
    public func squareSums(
        _ x: Tensor, height: Int, width: Int, control: CallControl
    ) throws(LensError) -> [Double] {
        let stride = x.rowWidth
        let (rows, columns) = (x.shape[0] / height, stride / width)
        var sums = [Double](repeating: 0, count: rows * columns)
        try sums.withUnsafeMutableBufferPointer { (sums) throws(LensError) in
            guard let base = sums.baseAddress else { return }
            let sums = Shared(base)
            try run(blocks: rows, control: control) { row in
                x.withPointer { x in
                    for inner in row * height..<(row + 1) * height {
                        for column in 0..<columns {
                            let part = x + inner * stride + column * width
                            sums.pointer[row * columns + column] += Double(lens_dot(part, part, width))
                        }
                    }
                }
            }
        }
        return sums
    }
}
