import Glibc

/// The ids of spellings: a hash table over bytes that lie end to end in one array.
///
/// A quarter of a million spellings are looked up three quarters of a million times while a large tokenizer is read;
/// the generic dictionary with an array for each takes a second over that.
struct Vocabulary: Sendable {
    private var bytes: [UInt8] = []
    /// Where each entry's bytes end, in the order of insertion.
    private var ends: [Int] = []
    private var ids: [Int32] = []
    /// An entry's index, or -1; always more than half empty.
    private var slots: [Int32] = Array(repeating: -1, count: 64)
    /// Random, so that nobody can make spellings that all fall into one place.
    private let key = (UInt64.random(in: 0...UInt64.max), UInt64.random(in: 0...UInt64.max) | 1)

    /// How many spellings there are.
    var count: Int { ids.count }

    /// The entries in the order of insertion.
    var entries: LazyMapSequence<Range<Int>, (spelling: ArraySlice<UInt8>, id: Int32)> {
        ids.indices.lazy.map { (spelling: self.bytes[self.range(of: $0)], id: self.ids[$0]) }
    }

    /// Adds a spelling; false where it was there already.
    mutating func insert(_ spelling: [UInt8], id: Int32) -> Bool {
        if ids.count * 2 >= slots.count { grow() }
        let slot = spelling.withUnsafeBufferPointer { self.slot(of: $0) }
        guard slots[slot] < 0 else { return false }
        slots[slot] = Int32(truncatingIfNeeded: ids.count)
        bytes += spelling
        ends.append(bytes.count)
        ids.append(id)
        return true
    }

    func id(of spelling: [UInt8]) -> Int32? {
        spelling.withUnsafeBufferPointer { id(of: $0) }
    }

    func id(of spelling: UnsafeBufferPointer<UInt8>) -> Int32? {
        let entry = slots[slot(of: spelling)]
        return entry >= 0 ? ids[Int(entry)] : nil
    }

    private func range(of entry: Int) -> Range<Int> {
        (entry > 0 ? ends[entry - 1] : 0)..<ends[entry]
    }

    /// Where a spelling is or would be.
    private func slot(of spelling: UnsafeBufferPointer<UInt8>) -> Int {
        let mask = slots.count - 1
        var slot = Int(truncatingIfNeeded: hash(spelling)) & mask
        while slots[slot] >= 0 {
            let range = range(of: Int(slots[slot]))
            if range.count == spelling.count {
                let isEqual = bytes.withUnsafeBytes { all in
                    guard let known = all.baseAddress, let wanted = spelling.baseAddress else { return true }
                    return memcmp(known + range.lowerBound, wanted, range.count) == 0
                }
                if isEqual { break }
            }
            slot = (slot + 1) & mask
        }
        return slot
    }

    private mutating func grow() {
        slots = Array(repeating: -1, count: slots.count * 2)
        let mask = slots.count - 1
        for entry in ids.indices {
            let hash = bytes[range(of: entry)].withUnsafeBufferPointer { self.hash($0) }
            var slot = Int(truncatingIfNeeded: hash) & mask
            while slots[slot] >= 0 { slot = (slot + 1) & mask }
            slots[slot] = Int32(truncatingIfNeeded: entry)
        }
    }

    private func hash(_ spelling: UnsafeBufferPointer<UInt8>) -> UInt64 {
        ByteHash.hash(spelling, key)
    }
}

/// A fast hash of short byte strings, with a key that makes its collisions unpredictable.
enum ByteHash {
    @inline(__always)
    static func hash(_ bytes: UnsafeBufferPointer<UInt8>, _ key: (UInt64, UInt64)) -> UInt64 {
        var hash = key.0 ^ UInt64(truncatingIfNeeded: bytes.count)
        var position = 0
        while position < bytes.count {
            var word: UInt64 = 0
            let end = min(position + 8, bytes.count)
            if end - position == 8 {
                word = UnsafeRawPointer(bytes.baseAddress.unsafelyUnwrapped).loadUnaligned(
                    fromByteOffset: position, as: UInt64.self)
            } else {
                for index in position..<end { word = word &<< 8 | UInt64(bytes[index]) }
            }
            let product = (hash ^ word).multipliedFullWidth(by: key.1)
            hash = product.low ^ product.high &+ key.0
            position = end
        }
        return hash ^ hash &>> 29
    }
}
