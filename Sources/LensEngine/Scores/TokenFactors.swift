import Glibc

/// How much more attention tokens get than position expects: what is learned of one head's pairs of tokens, in a table
/// of fixed size.
///
/// A row of the pattern is expected to be `position[j] · factor[j] / Z`. A pair's factor is the attention it got over the
/// sum of `position / Z` where it stood (what the most likely factors are equal to), drawn towards its source's factor as
/// long as little was seen of it, and that towards 1. Pairs share a place of the table where their hashes meet, which blurs them; a
/// factor is only ever used on prompts that come later, so that nothing is explained by itself.
struct TokenFactors {
    /// Attention and expectation by place.
    private var seen: [SIMD2<Float>]
    private let mask: Int

    /// How much attention (a destination has 1) makes a pair trusted half.
    private static let trust: Float = 0.3

    /// - Parameter places: a power of two.
    init(places: Int) {
        seen = Array(repeating: .zero, count: places)
        mask = places - 1
    }

    /// The table's size for a model: 32768 places at most, 64 MiB for all heads.
    static func places(heads: Int) -> Int {
        var places = 1 << 15
        while places > 64, places * heads * MemoryLayout<SIMD2<Float>>.stride > 64 << 20 { places /= 2 }
        return places
    }

    /// Where a source, or a pair, is found in any table.
    static func key(_ destination: Int32?, _ source: Int32) -> UInt32 {
        // Multiplication mixes upwards: the upper half is what is used.
        let pair = UInt64(UInt32(bitPattern: destination ?? -1)) << 32 | UInt64(UInt32(bitPattern: source))
        let mixed = (pair &+ 0x9E37_79B9_7F4A_7C15) &* 0xBF58_476D_1CE4_E5B9
        return UInt32(truncatingIfNeeded: mixed >> 32)
    }

    /// Calls `body` with the factor of each source of a row, given by the places of sources and pairs.
    func visit(
        sources: UnsafeBufferPointer<UInt32>, pairs: UnsafeBufferPointer<UInt32>, upTo row: Int,
        _ body: (_ source: Int, _ factor: Float) -> Void
    ) {
        seen.withUnsafeBufferPointer { seen in
            for source in 0...row {
                let alone = seen[Int(sources[source]) & mask]
                let together = seen[Int(pairs[source]) & mask]
                let factor = (alone.x + Self.trust) / (alone.y + Self.trust)
                body(source, (together.x + Self.trust * factor) / (together.y + Self.trust))
            }
        }
    }

    /// Takes a row in.
    ///
    /// - Parameters:
    ///   - attention: what each source gets.
    ///   - expected: what position expects it to get, `sum` all of it with the factors as they were.
    mutating func learn(
        sources: UnsafeBufferPointer<UInt32>, pairs: UnsafeBufferPointer<UInt32>, upTo row: Int,
        attention: UnsafeBufferPointer<Float>, expected: [Float], sum: Float
    ) {
        seen.withUnsafeMutableBufferPointer { seen in
            for source in 0...row {
                let added = SIMD2(attention[source], expected[source] / sum)
                seen[Int(sources[source]) & mask] += added
                seen[Int(pairs[source]) & mask] += added
            }
        }
    }
}
