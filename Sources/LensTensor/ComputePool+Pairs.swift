import LensCore

extension ComputePool {
    /// Every row of each of some matrices with every row of each of others: `[a, i, width]` and `[b, j, width]` give
    /// `[a, b, i, j]`.
    public func multiplyPairs(_ x: Tensor, _ y: Tensor, control: CallControl) throws(LensError) -> Tensor {
        let (a, rows, width) = (x.shape[0], x.shape[1], x.shape[2])
        let (b, columns) = (y.shape[0], y.shape[1])
        var result = Tensor(uninitialized: [a, b, rows, columns])
        let rowStep = 64
        let rowBlocks = (rows + rowStep - 1) / rowStep
        try result.withMutablePointer { (result) throws(LensError) in
            let result = Shared(result)
            try run(blocks: a * rowBlocks, control: control) { block in
                let (index, first) = (block / rowBlocks, block % rowBlocks * rowStep)
                let count = min(rowStep, rows - first)
                withPointers(x, y) { x, y in
                    for other in 0..<b {
                        multiplyTransposed(
                            x + (index * rows + first) * width, strideA: width, rows: count,
                            y + other * columns * width, strideB: width, columns: columns, inner: width,
                            into: result.pointer + ((index * b + other) * rows + first) * columns, strideC: columns)
                    }
                }
            }
        }
        return result
    }
}
