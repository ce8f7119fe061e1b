/// A causal matrix of either sign in few bytes: a code `c` in −127...127 stands for `sign(c) · (c / 127)² · scale`.
struct SignedPacking: Sendable {
    /// The greatest magnitude.
    let scale: Float
    /// The lower triangle with the diagonal, row by row, as int8.
    let triangle: [UInt8]

    /// - Parameter values: `[pos, pos]`; what is no number counts as zero.
    init(_ values: [Float], positions: Int) {
        let greatest = values.reduce(Float(0)) { $1.isFinite ? max($0, abs($1)) : $0 }
        var triangle: [UInt8] = []
        triangle.reserveCapacity(positions * (positions + 1) / 2)
        for row in 0..<positions {
            for value in values[row * positions...row * positions + row] {
                let share = greatest > 0 && value.isFinite ? value / greatest : 0
                let code = Int8((abs(share).squareRoot() * 127).rounded())
                triangle.append(UInt8(bitPattern: share < 0 ? -code : code))
            }
        }
        scale = greatest
        self.triangle = triangle
    }
}
