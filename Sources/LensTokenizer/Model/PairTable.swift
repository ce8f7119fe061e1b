/// The rank of every pair of tokens that may be merged: a hash table with open addressing.
///
/// Looked up for each pair of neighbours in a word, so the generic dictionary's cost would be most of the tokenizer's.
struct PairTable: Sendable {
    private var keys: [UInt64]
    private var ranks: [Int32]
    private let shift: UInt64
    private let multiplier: UInt64

    /// An empty table for up to `capacity` pairs.
    init(capacity: Int) {
        var bits: UInt64 = 4
        while 1 << bits < 2 * capacity { bits += 1 }
        shift = 64 - bits
        keys = Array(repeating: 0, count: 1 << bits)
        ranks = Array(repeating: -1, count: 1 << bits)
        // Random, so that no vocabulary can be made whose pairs all fall into one place.
        multiplier = UInt64.random(in: 0...UInt64.max) | 1
    }

    /// Sets a pair's rank, replacing an earlier one.
    mutating func set(_ left: Int32, _ right: Int32, rank: Int32) {
        let slot = slot(of: Self.key(left, right))
        keys[slot] = Self.key(left, right)
        ranks[slot] = rank
    }

    /// A pair's rank; -1 for a pair that is not merged.
    func rank(_ left: Int32, _ right: Int32) -> Int32 {
        ranks[slot(of: Self.key(left, right))]
    }

    /// Where the key is or would be.
    private func slot(of key: UInt64) -> Int {
        let mask = keys.count - 1
        var slot = Int(truncatingIfNeeded: (key &* multiplier) &>> shift)
        while ranks[slot] >= 0, keys[slot] != key { slot = (slot + 1) & mask }
        return slot
    }

    private static func key(_ left: Int32, _ right: Int32) -> UInt64 {
        UInt64(UInt32(bitPattern: left)) &<< 32 | UInt64(UInt32(bitPattern: right))
    }
}
