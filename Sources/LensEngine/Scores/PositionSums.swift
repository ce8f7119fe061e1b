/// Where a head's attention goes by position alone, summed over destinations. All that a ``PositionModel`` needs.
struct PositionSums: Sendable {
    /// Attention to the position that far back, where that is not the first one.
    var byDistance: [Double]
    /// Attention to the first position.
    var first = 0.0
    /// Destinations that stand at each position.
    var rows: [Double]

    /// - Parameter length: tokens of the longest prompt.
    init(length: Int) {
        byDistance = Array(repeating: 0, count: length)
        rows = Array(repeating: 0, count: length)
    }

    var rowCount: Double { rows.reduce(0, +) }

    static func + (left: PositionSums, right: PositionSums) -> PositionSums { left.combined(right, 1) }

    /// What is left without a part.
    func without(_ part: PositionSums) -> PositionSums { combined(part, -1) }

    private func combined(_ other: PositionSums, _ sign: Double) -> PositionSums {
        var result = self
        for index in byDistance.indices {
            // Rounding must not make a sum negative.
            result.byDistance[index] = max(byDistance[index] + sign * other.byDistance[index], 0)
            result.rows[index] = max(rows[index] + sign * other.rows[index], 0)
        }
        result.first = max(first + sign * other.first, 0)
        return result
    }

    /// Mean attention to each of the nearest distances, of all destinations.
    func profile(_ count: Int) -> [Double] {
        let rows = max(rowCount, 1)
        return [first / rows] + byDistance.prefix(count).map { $0 / rows }
    }

    /// The distance of at least 2 that gets most attention, over destinations whose source is not the first position.
    ///
    /// What only a few destinations have says little: a distance counts that has four, and a twentieth of all.
    var bestDistance: (distance: Int, share: Double) {
        var best = (distance: 0, share: 0.0)
        let least = max(4, rowCount / 20)
        var count = 0.0
        for distance in byDistance.indices.reversed() where distance >= 2 {
            // Destinations from `distance + 1` on.
            if distance + 1 < rows.count { count += rows[distance + 1] }
            guard count >= least else { continue }
            let share = byDistance[distance] / count
            if share >= best.share, share > 0 { best = (distance, share) }
        }
        return best
    }
}
