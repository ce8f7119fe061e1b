/// How every token is spelled in its file, in UTF-8, end to end in one array.
struct TokenSpellings: Sendable {
    private var bytes: [UInt8] = []
    /// Where each token's bytes begin and end; empty for ids without a token.
    private var places: [Place]

    private struct Place {
        var start: UInt32 = 0
        var end: UInt32 = 0
        var isToken = false
    }

    /// One past the highest id.
    var count: Int { places.count }

    /// - Parameter count: one past the highest id that `set` will be called with.
    init(count: Int) {
        places = Array(repeating: Place(), count: count)
    }

    mutating func set(_ id: Int32, to spelling: some Collection<UInt8>) {
        let start = UInt32(truncatingIfNeeded: bytes.count)
        bytes += spelling
        places[Int(id)] = Place(start: start, end: UInt32(truncatingIfNeeded: bytes.count), isToken: true)
    }

    /// A token's spelling; `nil` for an id that no token has.
    subscript(id: Int) -> ArraySlice<UInt8>? {
        guard id < places.count, places[id].isToken else { return nil }
        return bytes[Int(places[id].start)..<Int(places[id].end)]
    }
}
