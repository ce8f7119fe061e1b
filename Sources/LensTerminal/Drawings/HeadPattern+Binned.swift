import LensReport

extension HeadPattern {
    /// The head's short name, such as `L0H3`.
    var name: String { "L\(layer)H\(head)" }

    /// The weight of a source for a destination among `positions`; NaN where the pattern holds none.
    func weight(to source: Int, from destination: Int, positions: Int) -> Double {
        let index = destination * positions + source
        return weights.indices.contains(index) ? Double(weights[index]) : .nan
    }

    /// The pattern in `rows` × `columns` groups of neighbouring tokens, row-major; `nil` where every pair is masked.
    ///
    /// Each entry is the share of attention that goes from a destination of one group to all sources of another,
    /// averaged over the destinations, so that rows still sum to one.
    func binned(rows: Int, columns: Int, positions: Int) -> [Double?] {
        var sums = [Double](repeating: 0, count: rows * columns)
        var isVisible = [Bool](repeating: false, count: rows * columns)
        var destinations = [Double](repeating: 0, count: rows)
        for destination in 0..<positions {
            let row = destination * rows / positions
            destinations[row] += 1
            for source in 0...destination {
                let cell = row * columns + source * columns / positions
                sums[cell] += weight(to: source, from: destination, positions: positions)
                isVisible[cell] = true
            }
        }
        return sums.indices.map { isVisible[$0] ? sums[$0] / destinations[$0 / columns] : nil }
    }
}
