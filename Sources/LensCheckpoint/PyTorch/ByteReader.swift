import LensCore

/// Walks over the bytes of a binary format and never past their end.
struct ByteReader {
    let bytes: [UInt8]
    /// What errors call the bytes, such as `pytorch_model.bin`.
    let name: String
    private(set) var position = 0

    init(_ bytes: [UInt8], name: String) {
        self.bytes = bytes
        self.name = name
    }

    var remaining: Int { bytes.count - position }

    mutating func byte() throws(LensError) -> UInt8 {
        guard position < bytes.count else { throw end(1) }
        defer { position += 1 }
        return bytes[position]
    }

    /// The next `count` bytes.
    mutating func take(_ count: Int) throws(LensError) -> ArraySlice<UInt8> {
        guard count >= 0, count <= remaining else { throw end(count) }
        defer { position += count }
        return bytes[position..<position + count]
    }

    /// A little-endian integer.
    mutating func integer<Integer: FixedWidthInteger>(_ type: Integer.Type) throws(LensError) -> Integer {
        try take(MemoryLayout<Integer>.size).reversed().reduce(0) { $0 << 8 | Integer(truncatingIfNeeded: $1) }
    }

    /// What stands before the next line feed, which is stepped over.
    mutating func line(limit: Int) throws(LensError) -> ArraySlice<UInt8> {
        guard let end = bytes[position...].prefix(limit + 1).firstIndex(of: UInt8(ascii: "\n")) else {
            throw .invalidArgument("\(name): expected a line of at most \(limit) bytes at byte \(position)")
        }
        defer { position = end + 1 }
        return bytes[position..<end]
    }

    private func end(_ count: Int) -> LensError {
        .invalidArgument("\(name) ends too early: expected \(count) bytes at byte \(position); \(remaining) are left")
    }
}
