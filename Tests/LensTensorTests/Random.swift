import Glibc
import LensTensor

/// Seeded numbers, so that a failure comes back.
struct Random {
    private var state: UInt64

    init(seed: UInt64) { state = seed &* 0x9E37_79B9_7F4A_7C15 | 1 }

    /// Uniform in −1 … 1.
    mutating func next() -> Float {
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        return Float(state >> 40) / Float(1 << 23) - 1
    }

    mutating func tensor(_ shape: [Int], scale: Float = 1) -> Tensor {
        Tensor((0..<shape.reduce(1, *)).map { _ in next() * scale }, shape: shape)
    }
}

/// `x · wᵀ` in float64.
func naiveProduct(_ x: Tensor, _ w: Tensor) -> [Double] {
    let inner = x.rowWidth
    let (x, rows, w, columns) = (x.values, x.shape[0], w.values, w.shape[0])
    var product = [Double](repeating: 0, count: rows * columns)
    for row in 0..<rows {
        for column in 0..<columns {
            for index in 0..<inner {
                product[row * columns + column] += Double(x[row * inner + index]) * Double(w[column * inner + index])
            }
        }
    }
    return product
}

func largestDifference(_ found: [Float], _ expected: [Double]) -> Double {
    guard found.count == expected.count else { return .infinity }
    return zip(found, expected).reduce(0) { max($0, abs(Double($1.0) - $1.1)) }
}
