import LensCore

/// A causal attention pattern in few bytes: every weight in 8 bits for the picture, the strongest of each row exactly.
///
/// A code `c` stands for the weight `(c / 255)²`: the square root spends the codes on small weights, where a pattern
/// has its structure, and keeps the error under 0.004 everywhere.
public struct CausalPacking: Sendable, Equatable {
    public let positions: Int
    /// Sources that each row keeps exactly, or as many as the row has.
    public let topCount: Int
    /// The lower triangle with the diagonal, row by row: `positions · (positions + 1) / 2` codes.
    public let triangle: [UInt8]
    /// Row by row, strongest first, the `min(topCount, row + 1)` strongest sources.
    public let topSources: [UInt16]
    /// The weights of ``topSources``, as they came.
    public let topWeights: [Float]

    /// Packs a `[pos, pos]` (destination, source) row-major pattern.
    ///
    /// - Throws: `INVALID_ARGUMENT` when the size is wrong or a value cannot belong to a causal attention pattern: not
    ///   finite, outside 0...1, or after the diagonal and not zero.
    public init(weights: [Float], positions: Int, topCount: Int = 8) throws(LensError) {
        guard (1...Self.mostPositions).contains(positions) else {
            throw .outOfRange("positions of a pattern", positions, 1..<Self.mostPositions + 1)
        }
        guard weights.count == positions * positions else {
            throw .invalidArgument(
                "a pattern over \(positions) positions has \(positions * positions) weights; received \(weights.count)")
        }
        guard topCount >= 0 else { throw .invalidArgument("topCount must not be negative; received \(topCount)") }
        self.positions = positions
        self.topCount = topCount
        var triangle: [UInt8] = []
        var topSources: [UInt16] = []
        var topWeights: [Float] = []
        triangle.reserveCapacity(positions * (positions + 1) / 2)
        for destination in 0..<positions {
            let row = weights[destination * positions..<(destination + 1) * positions]
            try Self.check(row, destination: destination)
            let visible = row.prefix(destination + 1)
            triangle += visible.map(Self.code)
            for index in Self.strongest(topCount, of: visible) {
                topSources.append(UInt16(index - row.startIndex))
                topWeights.append(row[index])
            }
        }
        self.triangle = triangle
        self.topSources = topSources
        self.topWeights = topWeights
    }

    /// A source's position fits 16 bits.
    private static let mostPositions = Int(UInt16.max) + 1

    /// The weight that a code stands for.
    public static func weight(of code: UInt8) -> Float {
        let root = Float(code) / 255
        return root * root
    }

    /// The nearest code on the square-root scale; weights a rounding error outside 0...1 are taken for 0 or 1.
    public static func code(of weight: Float) -> UInt8 {
        UInt8((min(max(weight, 0), 1).squareRoot() * 255).rounded())
    }

    /// The weight at a cell of the triangle as the page shows it: exact for the strongest of the row, else its code's.
    ///
    /// `nil` outside the triangle.
    public func weight(destination: Int, source: Int) -> (value: Float, isExact: Bool)? {
        guard (0..<positions).contains(destination), (0...destination).contains(source) else { return nil }
        let top = topRange(of: destination)
        for (exactSource, exact) in zip(topSources[top], topWeights[top]) where Int(exactSource) == source {
            return (exact, true)
        }
        return (Self.weight(of: triangle[destination * (destination + 1) / 2 + source]), false)
    }

    /// Where a row's entries stand in ``topSources`` and ``topWeights``.
    private func topRange(of destination: Int) -> Range<Int> {
        let full = min(destination, topCount)
        let start = full * (full + 1) / 2 + (destination - full) * topCount
        return start..<start + min(topCount, destination + 1)
    }

    /// Room for the last bits of a softmax in float32.
    private static let allowed: ClosedRange<Float> = -1e-5...1 + 1e-4

    private static func check(_ row: ArraySlice<Float>, destination: Int) throws(LensError) {
        for (source, weight) in row.enumerated() {
            guard allowed.contains(weight) else {
                throw .invalidArgument(
                    "an attention weight lies in 0...1; received \(weight) at destination \(destination), "
                        + "source \(source)")
            }
            guard source <= destination || abs(weight) <= 1e-5 else {
                throw .invalidArgument(
                    "causal attention has no weight after the diagonal; received \(weight) at destination "
                        + "\(destination), source \(source)")
            }
        }
    }

    /// Indices of the `count` greatest weights, greatest first; of equal ones the earlier source.
    private static func strongest(_ count: Int, of row: ArraySlice<Float>) -> [Int] {
        var best: [Int] = []
        guard count > 0 else { return best }
        for index in row.indices {
            if best.count == count, let last = best.last, row[last] >= row[index] { continue }
            let place = best.firstIndex { row[$0] < row[index] } ?? best.count
            best.insert(index, at: place)
            if best.count > count { best.removeLast() }
        }
        return best
    }
}
