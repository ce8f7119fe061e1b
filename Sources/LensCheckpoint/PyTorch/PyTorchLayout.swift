import LensCore

/// What is where in a file of `torch.save`: its tensors as the pickle describes them, and the storages' bytes.
struct PyTorchLayout {
    /// The state dict in its order.
    let tensors: [(name: String, tensor: PickledTensor)]
    /// Where a storage's bytes stand in the file.
    let storages: [String: Range<Int>]

    /// How the format before zip begins: the magic number 0x1950A86A20F9469CFC6C as a pickle of its own.
    private static let magicNumber: [UInt8] = [0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19]
    private static let legacyVersion = 1001

    /// Reads either format.
    ///
    /// - Throws: `INVALID_ARGUMENT`, `UNIMPLEMENTED` or `DATA_LOSS`, naming the file and what is wrong.
    init(reading file: CheckpointFile) throws(LensError) {
        let start = try file.bytes(in: 0..<min(file.size, 512))
        if start.starts(with: ZipArchive.localSignature) {
            try self.init(zip: file)
        } else if start.first == 0x80 {
            try self.init(legacy: file)
        } else if start.count > 262, start[257..<262].elementsEqual("ustar".utf8) {
            throw .unimplemented("not supported: \(file.name) is in the tar format of PyTorch before 0.1.10")
        } else {
            throw .invalidArgument("\(file.name) is no file of torch.save: it is neither a zip file nor a pickle")
        }
    }

    // MARK: - Zip

    private init(zip file: CheckpointFile) throws(LensError) {
        let archive = try ZipArchive(reading: file)
        let folder = archive.names.first?.split(separator: "/", maxSplits: 1).first.map { "\($0)/" } ?? ""
        func small(_ name: String, limit: Int) throws(LensError) -> [UInt8]? {
            guard let range = archive.entries[folder + name] else { return nil }
            guard range.count <= limit else {
                throw .invalidArgument("\(file.name): \(name) may have at most \(limit) bytes; it has \(range.count)")
            }
            return try file.bytes(in: range)
        }
        guard !archive.names.contains(where: { $0 == folder + "constants.pkl" || $0.hasPrefix(folder + "code/") })
        else {
            throw .unimplemented("not supported: \(file.name) is a TorchScript program; expected a state dict")
        }
        guard let pickle = try small("data.pkl", limit: PickleMachine.sizeLimit) else {
            throw .invalidArgument("\(file.name) has no entry data.pkl; it is no file of torch.save")
        }
        if let order = try small("byteorder", limit: 64), order != Array("little".utf8) {
            throw .unimplemented(
                "not supported: \(file.name) has byte order '\(String(decoding: order, as: UTF8.self))'; "
                    + "expected 'little'")
        }
        var machine = PickleMachine(ByteReader(pickle, name: file.name))
        tensors = try Self.stateDict(try machine.run(), of: machine, file: file.name)
        guard machine.position == pickle.count else {
            throw .invalidArgument("\(file.name): data.pkl goes on after the pickle's end at \(machine.position)")
        }
        var storages: [String: Range<Int>] = [:]
        for storage in machine.storages where storages[storage.key] == nil {
            guard let range = archive.entries["\(folder)data/\(storage.key)"] else {
                throw .invalidArgument("\(file.name) has no entry data/\(storage.key), which the pickle refers to")
            }
            guard range.count == storage.byteCount else {
                throw .invalidArgument(
                    "\(file.name): data/\(storage.key) must have \(storage.byteCount) bytes; it has \(range.count)")
            }
            storages[storage.key] = range
        }
        self.storages = storages
    }

    // MARK: - The format before zip

    /// Five pickles one behind the other, then every storage: its number of elements in 8 bytes, and its bytes.
    private init(legacy file: CheckpointFile) throws(LensError) {
        let head = try file.bytes(in: 0..<min(file.size, PickleMachine.sizeLimit))
        var machine = PickleMachine(ByteReader(head, name: file.name))
        guard case .wideInteger(Self.magicNumber) = try machine.run() else {
            throw .invalidArgument("\(file.name) is a pickle, but none of torch.save: it lacks the magic number")
        }
        guard case .integer(Self.legacyVersion) = try machine.run() else {
            throw .invalidArgument("\(file.name): expected version \(Self.legacyVersion) of the format before zip")
        }
        let systemValue = try machine.run()
        let system = try machine.entries(of: systemValue)
        guard let order = system.first(where: { $0.key == "little_endian" }), case .boolean(true) = order.value else {
            throw .unimplemented("not supported: \(file.name) was not written by a little-endian machine")
        }
        tensors = try Self.stateDict(try machine.run(), of: machine, file: file.name)
        let keyList = try machine.run()
        let keys = try machine.elements(of: keyList)
        var offset = machine.position
        var storages: [String: Range<Int>] = [:]
        let described = Dictionary(machine.storages.map { ($0.key, $0) }, uniquingKeysWith: { first, _ in first })
        for key in keys {
            guard case .string(let key) = key, let storage = described[key], storages[key] == nil else {
                throw .invalidArgument("\(file.name) lists a storage that its tensors do not refer to, or one twice")
            }
            guard file.size - offset >= 8, storage.byteCount <= file.size - offset - 8 else {
                throw .invalidArgument(
                    "\(file.name) ends at \(file.size), before the \(storage.byteCount) bytes of storage '\(key)' "
                        + "at \(offset)")
            }
            var reader = ByteReader(try file.bytes(in: offset..<offset + 8), name: file.name)
            let count = try reader.integer(UInt64.self)
            guard count == storage.wholeCount else {
                throw .invalidArgument(
                    "\(file.name): storage '\(key)' must have \(storage.wholeCount) elements; it has \(count)")
            }
            storages[key] = offset + 8..<offset + 8 + storage.byteCount
            offset += 8 + storage.byteCount
        }
        guard offset == file.size else {
            throw .invalidArgument("\(file.name) has \(file.size - offset) bytes after its last storage")
        }
        self.storages = storages
    }

    private static func stateDict(
        _ value: PickleValue, of machine: PickleMachine, file: String
    ) throws(LensError) -> [(name: String, tensor: PickledTensor)] {
        var tensors: [(name: String, tensor: PickledTensor)] = []
        for (key, value) in try machine.entries(of: value) {
            guard case .tensor(let place) = value else {
                throw .invalidArgument(
                    "\(file): '\(key.prefix(64))' is \(value.kind); expected a state dict, names and tensors only")
            }
            tensors.append((key, machine.tensors[place]))
        }
        guard !tensors.isEmpty else { throw .invalidArgument("\(file) holds no tensor") }
        return tensors
    }
}
