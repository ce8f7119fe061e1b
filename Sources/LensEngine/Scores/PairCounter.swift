import LensCore

/// The pairs of tokens between which a head's attention goes beyond what position explains, counted in bounded memory.
///
/// When there are too many, the weaker half is forgotten: a pair that comes back later is counted from there.
struct PairCounter {
    struct Count {
        var weight = 0.0
        /// Sum of the squares of what ``weight`` is the sum of: strong attention counts for more than much.
        var strength = 0.0
        var places = 0
    }

    private var counts: [UInt64: Count] = [:]
    private static let mostPairs = 2048

    mutating func add(destination: Int32, source: Int32, weight: Float) {
        let key = UInt64(UInt32(bitPattern: destination)) << 32 | UInt64(UInt32(bitPattern: source))
        var count = counts[key] ?? Count()
        count.weight += Double(weight)
        count.strength += Double(weight) * Double(weight)
        count.places += 1
        counts[key] = count
        if counts.count > Self.mostPairs { forget() }
    }

    private mutating func forget() {
        let strengths = counts.values.map(\.strength).sorted()
        let middle = strengths[strengths.count / 2]
        counts = counts.filter { $0.value.strength > middle }
    }

    /// Strongest first.
    ///
    /// - Parameter places: how often a pair has to have been seen.
    func strongest(_ count: Int, seenIn places: Int) -> [(destination: Int32, source: Int32, count: Count)] {
        // Equal ones stay in the order of their tokens, so that the answer is always the same.
        let strongest = counts.filter { $0.value.places >= places }
            .sorted { ($1.value.strength, $0.key) < ($0.value.strength, $1.key) }.prefix(count)
        return strongest.map { key, count in
            (Int32(truncatingIfNeeded: key >> 32), Int32(truncatingIfNeeded: key), count)
        }
    }
}
