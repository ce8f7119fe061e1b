import CLensKernels
import COpenBLAS
import LensCore

/// A constant matrix as checkpoints store linear layers: `[outputs, inputs]`, row-major float32.
public struct Weight: Sendable {
    public let tensor: Tensor
    public var outputs: Int { tensor.shape[0] }
    public var inputs: Int { tensor.shape[1] }

    /// - Precondition: `tensor` has two axes.
    public init(_ tensor: Tensor) {
        precondition(tensor.shape.count == 2, "a weight has two axes; received \(tensor.shape)")
        self.tensor = tensor
    }
}

/// Where a product's rows lie: `rows` rows of `width` values, `stride` floats apart.
struct RowBlock {
    let pointer: UnsafePointer<Float>
    let stride: Int
}

extension ComputePool {
    /// `x · Wᵀ + bias`: `[rows, inputs]` by `[outputs, inputs]` gives `[rows, outputs]`.
    ///
    /// - Parameter bias: `[outputs]`; added while a block of the product is still in the cache.
    public func multiply(
        _ x: Tensor, by weight: Weight, bias: Tensor? = nil, control: CallControl
    ) throws(LensError) -> Tensor {
        try multiply(x, by: weight, rows: 0..<weight.outputs, bias: bias, control: control)
    }

    /// `x · W[rows]ᵀ + bias[rows]`: some outputs only.
    public func multiply(
        _ x: Tensor, by weight: Weight, rows outputs: Range<Int>, bias: Tensor? = nil, control: CallControl
    ) throws(LensError) -> Tensor {
        let count = x.shape[0]
        var result = Tensor(uninitialized: [count, outputs.count])
        let blocking = Blocking(rows: count, columns: outputs.count, inner: weight.inputs, threads: threads)
        try result.withMutablePointer { (result) throws(LensError) in
            let result = Shared(result)
            try run(blocks: blocking.count, control: control) { [threads] block in
                let (rows, columns) = blocking[block]
                let product = result.pointer + rows.lowerBound * outputs.count + columns.lowerBound
                let firstOutput = outputs.lowerBound + columns.lowerBound
                let inner = weight.inputs
                let scratch = ColumnBlock.scratch(columns: columns.count, inner: inner)
                x.withPointer { x in
                    weight.tensor.withPointer { w in
                        let following = block + threads < blocking.count ? blocking[block + threads].columns : 0..<0
                        ColumnBlock(
                            w + firstOutput * inner, stride: inner, columns: columns.count, inner: inner,
                            rows: rows.count, scratch: scratch
                        ).multiply(
                            x + rows.lowerBound * inner, stride: inner, rows: rows.count, into: product,
                            stride: outputs.count,
                            next: following.count < columns.count
                                ? nil : w + (outputs.lowerBound + following.lowerBound) * inner)
                    }
                }
                bias?.withPointer {
                    lens_finish_rows(product, rows.count, columns.count, outputs.count, 0, $0 + firstOutput)
                }
            }
        }
        return result
    }
}

/// `C = A · Bᵀ` on one thread; a single row goes to `sgemv`, which is ten times faster there.
func multiplyTransposed(
    _ a: UnsafePointer<Float>, strideA: Int, rows: Int, _ b: UnsafePointer<Float>, strideB: Int, columns: Int,
    inner: Int, into c: UnsafeMutablePointer<Float>, strideC: Int
) {
    guard rows > 0, columns > 0 else { return }
    if rows == 1 {
        cblas_sgemv(
            CblasRowMajor, CblasNoTrans, Int32(columns), Int32(inner), 1, b, Int32(strideB), a, 1, 0, c, 1)
    } else {
        cblas_sgemm(
            CblasRowMajor, CblasNoTrans, CblasTrans, Int32(rows), Int32(columns), Int32(inner), 1, a, Int32(strideA),
            b, Int32(strideB), 0, c, Int32(strideC))
    }
}

/// `C = A · B` on one thread; added to C where `adding`.
func multiplyPlain(
    _ a: UnsafePointer<Float>, strideA: Int, rows: Int, _ b: UnsafePointer<Float>, strideB: Int, columns: Int,
    inner: Int, into c: UnsafeMutablePointer<Float>, strideC: Int, adding: Bool = false
) {
    guard rows > 0, columns > 0, inner > 0 else { return }
    if rows == 1 {
        cblas_sgemv(
            CblasRowMajor, CblasTrans, Int32(inner), Int32(columns), 1, b, Int32(strideB), a, 1, adding ? 1 : 0, c, 1)
    } else {
        cblas_sgemm(
            CblasRowMajor, CblasNoTrans, CblasNoTrans, Int32(rows), Int32(columns), Int32(inner), 1, a,
            Int32(strideA), b, Int32(strideB), adding ? 1 : 0, c, Int32(strideC))
    }
}

/// `C = Aᵀ · B` on one thread, A being `[inner, rows]`; added to C where `adding`.
func multiplyFirstTransposed(
    _ a: UnsafePointer<Float>, strideA: Int, rows: Int, _ b: UnsafePointer<Float>, strideB: Int, columns: Int,
    inner: Int, into c: UnsafeMutablePointer<Float>, strideC: Int, adding: Bool = false
) {
    guard rows > 0, columns > 0, inner > 0 else { return }
    cblas_sgemm(
        CblasRowMajor, CblasTrans, CblasNoTrans, Int32(rows), Int32(columns), Int32(inner), 1, a, Int32(strideA),
        b, Int32(strideB), adding ? 1 : 0, c, Int32(strideC))
}

/// Memory that several threads write to in places that do not overlap.
struct Shared<Element>: @unchecked Sendable {
    let pointer: UnsafeMutablePointer<Element>
    init(_ pointer: UnsafeMutablePointer<Element>) { self.pointer = pointer }
}
