import LensCore

/// The directory of a zip file whose entries are stored as they are, which is what `torch.save` and ``ZipWriter`` write.
///
/// Sizes and places come from the central directory (zip64 where it is there) and are held against each entry's own
/// header. Written after PKWARE's APPNOTE 6.3.
package struct ZipArchive {
    /// Where each entry's bytes stand in the file, by its name.
    package let entries: [String: Range<Int>]
    /// The entries' names in the directory's order.
    package let names: [String]

    private static let directoryLimit = 16 << 20
    private static let entryLimit = 100_000
    private static let nameLimit = 1024

    static let localSignature: [UInt8] = [0x50, 0x4B, 0x03, 0x04]

    /// Reads the directory.
    ///
    /// - Throws: `INVALID_ARGUMENT` for a damaged archive, `UNIMPLEMENTED` for compressed or encrypted entries,
    ///   `DATA_LOSS` when the file cannot be read.
    package init(reading file: CheckpointFile) throws(LensError) {
        let end = try EndRecord(reading: file)
        guard end.directory.count <= Self.directoryLimit else {
            throw .invalidArgument(
                "\(file.name): a zip directory may have \(Self.directoryLimit) bytes; it has \(end.directory.count)")
        }
        guard end.entryCount <= Self.entryLimit else {
            throw .invalidArgument(
                "\(file.name): a zip file may hold at most \(Self.entryLimit) entries; it has \(end.entryCount)")
        }
        var reader = ByteReader(try file.bytes(in: end.directory), name: "\(file.name)'s zip directory")
        var entries: [String: Range<Int>] = [:]
        var names: [String] = []
        for _ in 0..<end.entryCount {
            let entry = try Entry(reading: &reader)
            let range = try entry.place(in: file, before: end.directory.lowerBound)
            guard entries.updateValue(range, forKey: entry.name) == nil else {
                throw .invalidArgument("\(file.name): the zip entry '\(entry.name)' is there twice")
            }
            names.append(entry.name)
        }
        guard reader.remaining == 0 else {
            throw .invalidArgument("\(file.name): the zip directory has \(reader.remaining) bytes too many")
        }
        try Self.checkDisjoint(entries, file: file.name)
        self.entries = entries
        self.names = names
    }

    private static func checkDisjoint(_ entries: [String: Range<Int>], file: String) throws(LensError) {
        let sorted = entries.filter { !$0.value.isEmpty }.sorted { $0.value.lowerBound < $1.value.lowerBound }
        for (first, second) in zip(sorted, sorted.dropFirst())
        where first.value.upperBound > second.value.lowerBound {
            throw .invalidArgument("\(file): the zip entries '\(first.key)' and '\(second.key)' overlap")
        }
    }

    /// One entry as the central directory describes it.
    private struct Entry {
        let name: String
        private let byteCount: Int
        private let headerOffset: Int

        init(reading reader: inout ByteReader) throws(LensError) {
            guard try reader.integer(UInt32.self) == 0x0201_4B50 else {
                throw .invalidArgument("\(reader.name): expected an entry at byte \(reader.position - 4)")
            }
            _ = try reader.take(4)
            let flags = try reader.integer(UInt16.self)
            let method = try reader.integer(UInt16.self)
            _ = try reader.take(8)
            var stored = UInt64(try reader.integer(UInt32.self))
            var plain = UInt64(try reader.integer(UInt32.self))
            let nameLength = Int(try reader.integer(UInt16.self))
            let extraLength = Int(try reader.integer(UInt16.self))
            let commentLength = Int(try reader.integer(UInt16.self))
            _ = try reader.take(8)
            var offset = UInt64(try reader.integer(UInt32.self))
            guard nameLength > 0, nameLength <= ZipArchive.nameLimit,
                let name = String(validating: try reader.take(nameLength), as: UTF8.self)
            else { throw .invalidArgument("\(reader.name): an entry's name must be UTF-8 of 1...1024 bytes") }
            var extra = ByteReader(Array(try reader.take(extraLength)), name: "the zip entry '\(name)'")
            _ = try reader.take(commentLength)
            // Tag 1: what did not fit into 32 bits, in this order.
            while extra.remaining >= 4 {
                let tag = try extra.integer(UInt16.self)
                let body = Array(try extra.take(Int(extra.integer(UInt16.self))))
                guard tag == 1 else { continue }
                var wide = ByteReader(body, name: extra.name)
                if plain == UInt32.max { plain = try wide.integer(UInt64.self) }
                if stored == UInt32.max { stored = try wide.integer(UInt64.self) }
                if offset == UInt32.max { offset = try wide.integer(UInt64.self) }
            }
            guard flags & 0x2041 == 0 else {
                throw .unimplemented("not supported: the zip entry '\(name)' is encrypted")
            }
            guard method == 0 else {
                throw .unimplemented(
                    "not supported: the zip entry '\(name)' is compressed (method \(method)); only stored entries are read"
                )
            }
            guard stored == plain, let byteCount = Int(exactly: stored), let headerOffset = Int(exactly: offset) else {
                throw .invalidArgument("the zip entry '\(name)' is stored, but its sizes are \(stored) and \(plain)")
            }
            self.name = name
            self.byteCount = byteCount
            self.headerOffset = headerOffset
        }

        /// Where the bytes stand, behind the entry's own header.
        func place(in file: CheckpointFile, before end: Int) throws(LensError) -> Range<Int> {
            let outside = LensError.invalidArgument(
                "\(file.name): the zip entry '\(name)' has \(byteCount) bytes at \(headerOffset); "
                    + "the entries end at \(end)")
            guard headerOffset <= end - 30 else { throw outside }
            var header = ByteReader(try file.bytes(in: headerOffset..<headerOffset + 30), name: file.name)
            guard try Array(header.take(4)) == ZipArchive.localSignature else {
                throw .invalidArgument("\(file.name): expected the zip entry '\(name)' at byte \(headerOffset)")
            }
            _ = try header.take(22)
            let nameLength = Int(try header.integer(UInt16.self))
            let extraLength = Int(try header.integer(UInt16.self))
            let start = headerOffset + 30 + nameLength + extraLength
            guard start <= end, byteCount <= end - start else { throw outside }
            let nameStart = headerOffset + 30
            guard try file.bytes(in: nameStart..<nameStart + nameLength) == Array(name.utf8) else {
                throw .invalidArgument("\(file.name): the zip entry '\(name)' has another name in its own header")
            }
            return start..<start + byteCount
        }
    }

    /// Where the central directory is.
    private struct EndRecord {
        let directory: Range<Int>
        let entryCount: Int

        init(reading file: CheckpointFile) throws(LensError) {
            let tailStart = max(0, file.size - (22 + 0xFFFF))
            let tail = try file.bytes(in: tailStart..<file.size)
            // From the end: the first signature whose comment reaches the end of the file.
            let found = stride(from: tail.count - 22, through: 0, by: -1).first { index in
                tail[index] == 0x50 && tail[index + 1] == 0x4B && tail[index + 2] == 0x05 && tail[index + 3] == 0x06
                    && index + 22 + Int(tail[index + 20]) + Int(tail[index + 21]) << 8 == tail.count
            }
            guard let found else {
                throw .invalidArgument("\(file.name) begins like a zip file, but has no directory at its end")
            }
            var reader = ByteReader(Array(tail[found...]), name: file.name)
            _ = try reader.take(10)
            var count = UInt64(try reader.integer(UInt16.self))
            var size = UInt64(try reader.integer(UInt32.self))
            var offset = UInt64(try reader.integer(UInt32.self))
            var end = tailStart + found
            if end >= 20 {
                var locator = ByteReader(try file.bytes(in: end - 20..<end), name: file.name)
                if try locator.integer(UInt32.self) == 0x0706_4B50 {
                    _ = try locator.take(4)
                    let place = try locator.integer(UInt64.self)
                    guard let start = Int(exactly: place), start <= end - 20 - 56 else {
                        throw .invalidArgument("\(file.name): its zip64 directory is said to end at byte \(place)")
                    }
                    var wide = ByteReader(try file.bytes(in: start..<start + 56), name: file.name)
                    guard try wide.integer(UInt32.self) == 0x0606_4B50 else {
                        throw .invalidArgument("\(file.name): expected the end of a zip64 directory at byte \(start)")
                    }
                    _ = try wide.take(28)
                    count = try wide.integer(UInt64.self)
                    size = try wide.integer(UInt64.self)
                    offset = try wide.integer(UInt64.self)
                    end = start
                }
            }
            guard let start = Int(exactly: offset), let length = Int(exactly: size), start <= end,
                length <= end - start, let entryCount = Int(exactly: count)
            else {
                throw .invalidArgument(
                    "\(file.name): its zip directory is said to have \(size) bytes at \(offset); it ends before \(end)")
            }
            directory = start..<start + length
            self.entryCount = entryCount
        }
    }
}
