import LensCore

/// Writes a zip file whose entries are stored as they are, entry by entry: what is not finished leaves nothing behind.
///
/// Any tool opens it. It has at most 65,534 entries and 4 GiB: there is no zip64 here.
package final class ZipWriter {
    private let path: String
    private let file: PartialFile
    private var directory: [UInt8] = []
    private var entryCount = 0
    private var offset = 0

    /// Makes the file, under another name; nobody but its owner may read it.
    ///
    /// - Throws: `PERMISSION_DENIED`, `NOT_FOUND` or `RESOURCE_EXHAUSTED` where the file cannot be written.
    package init(path: String) throws(LensError) {
        self.path = path
        file = try PartialFile(path: path, mode: 0o600)
    }

    /// Adds an entry.
    ///
    /// - Throws: `RESOURCE_EXHAUSTED` where the disk or the format is full.
    package func add(_ name: String, _ bytes: [UInt8]) throws(LensError) {
        let nameBytes = Array(name.utf8)
        let end = offset + 30 + nameBytes.count + bytes.count
        guard entryCount < 0xFFFE, end + directory.count + 46 + nameBytes.count < 0xFFFF_FFFF, nameBytes.count < 0xFFFF
        else {
            throw .resourceExhausted("\(path) would have more than 65534 entries or 4 GiB: export fewer runs at a time")
        }
        // Version 2.0, names in UTF-8, stored, 1 January 1980: the moment is in the entries.
        var common = Self.bytes(UInt16(20)) + Self.bytes(UInt16(0x0800)) + Self.bytes(UInt16(0))
        common += Self.bytes(UInt16(0)) + Self.bytes(UInt16(0x21)) + Self.bytes(Self.checksum(bytes))
        common += Self.bytes(UInt32(bytes.count)) + Self.bytes(UInt32(bytes.count))
        common += Self.bytes(UInt16(nameBytes.count)) + Self.bytes(UInt16(0))
        try file.write(Self.bytes(UInt32(0x0403_4B50)) + common + nameBytes)
        try file.write(bytes)
        directory += Self.bytes(UInt32(0x0201_4B50)) + Self.bytes(UInt16(20)) + common
        directory += [UInt8](repeating: 0, count: 10) + Self.bytes(UInt32(offset)) + nameBytes
        offset = end
        entryCount += 1
    }

    /// Writes the directory, brings the file to the disk and gives it its name.
    package func finish() throws(LensError) {
        let count = Self.bytes(UInt16(entryCount))
        try file.write(directory)
        try file.write(
            Self.bytes(UInt32(0x0605_4B50)) + [0, 0, 0, 0] + count + count + Self.bytes(UInt32(directory.count))
                + Self.bytes(UInt32(offset)) + [0, 0])
        try file.finish()
    }

    private static func bytes(_ number: some FixedWidthInteger) -> [UInt8] {
        withUnsafeBytes(of: number.littleEndian) { Array($0) }
    }

    // MARK: - CRC-32

    private static let table: [UInt32] = (0..<256).map { index in
        (0..<8).reduce(UInt32(index)) { value, _ in value & 1 == 1 ? 0xEDB8_8320 ^ (value >> 1) : value >> 1 }
    }

    private static func checksum(_ bytes: [UInt8]) -> UInt32 {
        table.withUnsafeBufferPointer { table in
            ~bytes.reduce(~UInt32(0)) { table[Int(UInt8(truncatingIfNeeded: $0) ^ $1)] ^ ($0 >> 8) }
        }
    }
}
