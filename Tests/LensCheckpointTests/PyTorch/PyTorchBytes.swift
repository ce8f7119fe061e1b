import LensCheckpoint

/// Builds the files of `torch.save` byte by byte, right or wrong as a test wants them.
enum PyTorchBytes {
    /// A float32 tensor in a storage of its own.
    struct Entry {
        let name: String
        var storage = "0"
        let count: Int
        var offset = 0
        let shape: [Int]
        let strides: [Int]
    }

    // MARK: Pickles

    static func global(_ module: String, _ name: String) -> [UInt8] { Array("c\(module)\n\(name)\n".utf8) }

    static func string(_ text: String) -> [UInt8] {
        [0x58] + SafetensorsFileTests.bytes(UInt32(text.utf8.count)) + Array(text.utf8)
    }

    static func integer(_ value: Int) -> [UInt8] { [0x8A, 8] + SafetensorsFileTests.bytes(Int64(value)) }

    static func tuple(_ parts: [[UInt8]]) -> [UInt8] { Array("(".utf8) + parts.flatMap { $0 } + Array("t".utf8) }

    static func call(_ module: String, _ name: String, _ arguments: [[UInt8]]) -> [UInt8] {
        global(module, name) + tuple(arguments) + Array("R".utf8)
    }

    static func pickle(_ value: [UInt8]) -> [UInt8] { [0x80, 2] + value + Array(".".utf8) }

    static func storage(_ key: String, _ type: String = "FloatStorage", count: Int) -> [UInt8] {
        tuple([string("storage"), global("torch", type), string(key), string("cpu"), integer(count)]) + Array("Q".utf8)
    }

    static func tensor(_ storage: [UInt8], offset: Int = 0, shape: [Int], strides: [Int]) -> [UInt8] {
        call(
            "torch._utils", "_rebuild_tensor_v2",
            [
                storage, integer(offset), tuple(shape.map(integer)), tuple(strides.map(integer)), [0x89],
                call("collections", "OrderedDict", []),
            ])
    }

    static func dictionary(_ items: [(String, [UInt8])]) -> [UInt8] {
        Array("}(".utf8) + items.flatMap { string($0.0) + $0.1 } + Array("u".utf8)
    }

    static func stateDict(_ entries: [Entry]) -> [UInt8] {
        pickle(
            dictionary(
                entries.map { entry in
                    let storage = storage(entry.storage, count: entry.count)
                    return (
                        entry.name,
                        tensor(storage, offset: entry.offset, shape: entry.shape, strides: entry.strides)
                    )
                }))
    }

    // MARK: Containers

    /// What of a zip file is to be wrong.
    struct Fault {
        var method: UInt16 = 0
        var flags: UInt16 = 0
        var localName: String?
        /// Added to sizes and places that the directory gives.
        var sizeError = 0
        var offsetError = 0
        var directoryOffsetError = 0
        var countError = 0
        var isWithoutDirectory = false
    }

    static func zip(
        _ pickle: [UInt8]?, storages: [[UInt8]] = [], byteOrder: String? = "little", extra: [(String, [UInt8])] = [],
        fault: Fault = Fault()
    ) -> [UInt8] {
        var entries: [(String, [UInt8])] = []
        if let pickle { entries.append(("x/data.pkl", pickle)) }
        if let byteOrder { entries.append(("x/byteorder", Array(byteOrder.utf8))) }
        for (index, storage) in storages.enumerated() { entries.append(("x/data/\(index)", storage)) }
        return zip(entries + extra, fault: fault)
    }

    static func zip(_ entries: [(String, [UInt8])], fault: Fault = Fault()) -> [UInt8] {
        func number(_ value: some FixedWidthInteger) -> [UInt8] { SafetensorsFileTests.bytes(value) }
        var file: [UInt8] = []
        var directory: [UInt8] = []
        for (index, (name, data)) in entries.enumerated() {
            let isLast = index == entries.count - 1
            let size = UInt32(truncatingIfNeeded: data.count + (isLast ? fault.sizeError : 0))
            let offset = UInt32(truncatingIfNeeded: file.count + (isLast ? fault.offsetError : 0))
            let common =
                number(UInt16(20)) + number(fault.flags) + number(fault.method) + number(UInt32(0))
                + number(UInt32(0)) + number(size) + number(size)
            let localName = Array((isLast ? fault.localName ?? name : name).utf8)
            file += [0x50, 0x4B, 3, 4] + common + number(UInt16(localName.count)) + number(UInt16(0))
            file += localName + data
            directory += [0x50, 0x4B, 1, 2] + number(UInt16(20)) + common + number(UInt16(name.utf8.count))
            directory += [UInt8](repeating: 0, count: 12) + number(offset) + Array(name.utf8)
        }
        guard !fault.isWithoutDirectory else { return file + directory }
        let count = UInt16(truncatingIfNeeded: entries.count + fault.countError)
        let place = UInt32(truncatingIfNeeded: file.count + fault.directoryOffsetError)
        return file + directory + [0x50, 0x4B, 5, 6] + number(UInt32(0)) + number(count) + number(count)
            + number(UInt32(directory.count)) + number(place) + number(UInt16(0))
    }

    /// The format before zip, with the storages in the order of their keys.
    static func legacy(
        _ pickle: [UInt8], keys: [String], storages: [(count: Int, bytes: [UInt8])], version: Int = 1001,
        magic: [UInt8] = [0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19], isLittleEndian: Bool = true
    ) -> [UInt8] {
        self.pickle([0x8A, UInt8(magic.count)] + magic) + self.pickle(integer(version))
            + self.pickle(dictionary([("little_endian", [isLittleEndian ? 0x88 : 0x89])])) + pickle
            + self.pickle(Array("](".utf8) + keys.flatMap(string) + Array("e".utf8))
            + storages.flatMap { SafetensorsFileTests.bytes(UInt64($0.count)) + $0.bytes }
    }
}
