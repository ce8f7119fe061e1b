import LensCore

/// The pairs of tokens between which a head's attention goes beyond what position explains, counted in bounded memory.
///
/// When there are too many, the weaker half is forgotten: a pair that comes back later is counted from there.
struct PairCounter {
    struct Count {
        var weight = 0.0
        var places = 0
    }

    private var counts: [UInt64: Count] = [:]
    private static let mostPairs = 2048

    mutating func add(destination: Int32, source: Int32, weight: Float) {
        let key = UInt64(UInt32(bitPattern: destination)) << 32 | UInt64(UInt32(bitPattern: source))
        counts[key, default: Count()].weight += Double(weight)
        counts[key]?.places += 1
        if counts.count > Self.mostPairs { forget() }
    }

    private mutating func forget() {
        let weights = counts.values.map(\.weight).sorted()
        let middle = weights[weights.count / 2]
        counts = counts.filter { $0.value.weight > middle }
    }

    /// Strongest first, by all that they got together.
    func strongest(_ count: Int) -> [(destination: Int32, source: Int32, count: Count)] {
        // Equal ones stay in the order of their tokens, so that the answer is always the same.
        counts.sorted { ($1.value.weight, $0.key) < ($0.value.weight, $1.key) }.prefix(count).map { key, count in
            (Int32(truncatingIfNeeded: key >> 32), Int32(truncatingIfNeeded: key), count)
        }
    }
}
