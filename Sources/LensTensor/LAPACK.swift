import COpenBLAS
import LensCore

extension Tensor {
    /// The eigenvalues of a square matrix, the largest first; computed in double precision, on one thread. `nil` for a
    /// matrix that is not finite, and where the iteration does not end.
    public func eigenvalues() -> [Eigenvalue]? {
        precondition(shape.count == 2 && shape[0] == shape[1], "eigenvalues of a square matrix; received \(shape)")
        let size = shape[0]
        // Turned over, which changes no eigenvalue.
        var matrix = values.map { Double($0) }
        guard size > 0, matrix.allSatisfy(\.isFinite) else { return size == 0 ? [] : nil }
        var real = [Double](repeating: 0, count: size)
        var imaginary = real
        var work = [Double](repeating: 0, count: 16 * size)
        var (n, one, length, info) = (Int32(size), Int32(1), Int32(work.count), Int32(0))
        // No eigenvectors.
        var no = CChar(UInt8(ascii: "N"))
        dgeev_(&no, &no, &n, &matrix, &n, &real, &imaginary, nil, &one, nil, &one, &work, &length, &info, 1, 1)
        guard info == 0 else { return nil }
        return zip(real, imaginary).map { Eigenvalue(real: $0, imaginary: $1) }
            .sorted { ($0.magnitude, $0.real, $0.imaginary) > ($1.magnitude, $1.real, $1.imaginary) }
    }
}

extension ComputePool {
    /// Of each of some matrices `M`, `[index, row, column]` with no more rows than columns, the upper triangle R of
    /// `Mᵀ = Q R`, `[index, row, row]`: `‖Mᵀ X‖ = ‖R X‖` for every X.
    public func triangles(_ matrices: Tensor, control: CallControl) throws(LensError) -> Tensor {
        let (count, rows, columns) = (matrices.shape[0], matrices.shape[1], matrices.shape[2])
        var result = Tensor(zeros: [count, rows, rows])
        try result.withMutablePointer { (result) throws(LensError) in
            let result = Shared(result)
            try run(blocks: count, control: control) { index in
                // Row-major M is column-major Mᵀ.
                var matrix = matrices.withPointer { matrices in
                    Array(UnsafeBufferPointer(start: matrices + index * rows * columns, count: rows * columns))
                }
                var reflections = [Float](repeating: 0, count: rows)
                var work = [Float](repeating: 0, count: 64 * max(rows, 1))
                var (m, n, length, info) = (Int32(columns), Int32(rows), Int32(work.count), Int32(0))
                sgeqrf_(&m, &n, &matrix, &m, &reflections, &work, &length, &info)
                let target = result.pointer + index * rows * rows
                for row in 0..<min(rows, columns) {
                    for column in row..<rows { target[row * rows + column] = matrix[column * columns + row] }
                }
            }
        }
        return result
    }
}
