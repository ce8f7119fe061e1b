/// Random numbers that depend on a seed alone: xoshiro256** (Blackman and Vigna, 2018), its state filled by SplitMix64.
///
/// Each prompt of a request has a stream of its own, so that what one prompt becomes does not depend on the others.
struct SeededRandom: RandomNumberGenerator, Sendable {
    private var state: (UInt64, UInt64, UInt64, UInt64)

    /// - Parameter stream: which of the independent streams of the seed.
    init(seed: UInt64, stream: Int) {
        var mixer = SplitMix64(state: seed)
        // The stream is mixed before it is added: neighbouring seeds do not share streams.
        var streams = SplitMix64(state: UInt64(truncatingIfNeeded: stream))
        mixer.state = mixer.next() ^ streams.next()
        state = (mixer.next(), mixer.next(), mixer.next(), mixer.next())
    }

    mutating func next() -> UInt64 {
        func rotated(_ value: UInt64, by count: UInt64) -> UInt64 { value << count | value >> (64 - count) }
        let result = rotated(state.1 &* 5, by: 7) &* 9
        let shifted = state.1 << 17
        state.2 ^= state.0
        state.3 ^= state.1
        state.1 ^= state.2
        state.0 ^= state.3
        state.2 ^= shifted
        state.3 = rotated(state.3, by: 45)
        return result
    }

    /// Uniform in 0 ..< 1, with 53 random bits.
    mutating func unit() -> Double { Double(next() >> 11) * 0x1p-53 }

    /// Steele, Lea and Flood, 2014.
    private struct SplitMix64 {
        var state: UInt64

        mutating func next() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var mixed = state
            mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
            mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
            return mixed ^ mixed >> 31
        }
    }
}
