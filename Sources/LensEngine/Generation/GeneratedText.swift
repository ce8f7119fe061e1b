/// The text of one prompt's new tokens, given out as soon as nothing that may follow can change it.
///
/// Held back are the bytes of an unfinished character and the beginning of what may become a stop string. The pieces
/// together are what decoding all bytes at once gives.
package struct GeneratedText: Sendable {
    private let stops: [[UInt8]]
    private var bytes: [UInt8] = []
    /// How many of the bytes were given out.
    private var given = 0

    package init(stops: [String]) {
        self.stops = stops.map { Array($0.utf8) }
    }

    /// Adds a token's bytes.
    ///
    /// - Returns: the text that is certain now, and whether a stop string has come; the text then ends before it.
    package mutating func append(_ piece: some Collection<UInt8>) -> (text: String, isStopped: Bool) {
        let old = bytes.count
        bytes += piece
        if let start = firstStop(endingAfter: old) {
            bytes.removeSubrange(start...)
            return (finish(), true)
        }
        return (give(upTo: min(startOfPossibleStop, startOfUnfinishedCharacter)), false)
    }

    /// The rest, when nothing more will come.
    package mutating func finish() -> String { give(upTo: bytes.count) }

    private mutating func give(upTo end: Int) -> String {
        guard end > given else { return "" }
        defer { given = end }
        return String(decoding: bytes[given..<end], as: UTF8.self)
    }

    /// Where the first stop string begins that the newest bytes complete.
    private func firstStop(endingAfter old: Int) -> Int? {
        var first: Int?
        for stop in stops {
            var start = max(old - stop.count + 1, 0)
            while start + stop.count <= bytes.count, start < first ?? .max {
                if bytes[start..<start + stop.count].elementsEqual(stop) { first = start }
                start += 1
            }
        }
        return first
    }

    /// From where on the bytes may be the beginning of a stop string.
    private var startOfPossibleStop: Int {
        var earliest = bytes.count
        for stop in stops {
            for length in stride(from: min(stop.count - 1, bytes.count), to: 0, by: -1)
            where bytes.suffix(length).elementsEqual(stop.prefix(length)) {
                earliest = min(earliest, bytes.count - length)
                break
            }
        }
        return earliest
    }

    /// From where on the bytes are a character whose last bytes are still to come.
    private var startOfUnfinishedCharacter: Int {
        for length in 1...3 where length <= bytes.count {
            let lead = bytes[bytes.count - length]
            if UTF8.isContinuation(lead) { continue }
            let needed = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : lead >= 0xC0 ? 2 : 1
            return needed > length ? bytes.count - length : bytes.count
        }
        return bytes.count
    }
}
