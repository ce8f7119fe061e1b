/// The bytes that every token stands for, end to end in one array.
struct TokenSpellings: Sendable {
    private let bytes: [UInt8]
    /// Where each token's bytes begin, and where the last's end.
    private let starts: [Int]

    /// One past the highest id.
    var count: Int { starts.count - 1 }

    /// - Parameter spellings: by id, which must not be negative; ids without one stand for nothing.
    init(_ spellings: [Int32: [UInt8]]) {
        var bytes: [UInt8] = []
        var starts = [0]
        for id in 0..<((spellings.keys.max() ?? -1) + 1) {
            if let spelling = spellings[id] { bytes += spelling }
            starts.append(bytes.count)
        }
        self.bytes = bytes
        self.starts = starts
    }

    /// A token's bytes; none for an id past the end.
    subscript(id: Int) -> ArraySlice<UInt8> {
        id < count ? bytes[starts[id]..<starts[id + 1]] : []
    }
}
