import Glibc
import LensCheckpoint
import LensCore
import LensTestSupport
import Testing

/// Pickles and zip files that no state dict is: each a named error, and nothing of them runs.
struct HostilePyTorchTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let name: String
        let bytes: [UInt8]
        let says: String

        var testDescription: String { name }

        /// A pickle in a zip file with one storage of 16 bytes.
        init(_ name: String, pickle: [UInt8], says: String) {
            self.init(name, PyTorchBytes.zip(pickle, storages: [[UInt8](repeating: 0, count: 16)]), says: says)
        }

        /// A value in the place of a tensor.
        init(_ name: String, value: [UInt8], says: String) {
            self.init(name, pickle: PyTorchBytes.pickle(PyTorchBytes.dictionary([("a", value)])), says: says)
        }

        init(_ name: String, _ bytes: [UInt8], says: String) {
            self.name = name
            self.bytes = bytes
            self.says = says
        }
    }

    private static let storage = PyTorchBytes.storage("0", count: 4)
    private static let good = PyTorchBytes.stateDict([.init(name: "a", count: 4, shape: [4], strides: [1])])
    private static let sixteen = [UInt8](repeating: 0, count: 16)

    private static func tensor(offset: Int = 0, _ shape: [Int], _ strides: [Int]) -> [UInt8] {
        PyTorchBytes.tensor(storage, offset: offset, shape: shape, strides: strides)
    }

    // MARK: Callables and instructions

    static let programs: [Case] =
        [
            ("os", "system"), ("posix", "system"), ("builtins", "eval"), ("builtins", "exec"),
            ("__builtin__", "getattr"),
            ("subprocess", "Popen"), ("torch", "load"), ("torch.hub", "load"),
            ("numpy.core.multiarray", "_reconstruct"),
            ("torch._utils", "_rebuild_sparse_tensor"), ("torch._tensor", "_rebuild_from_type_v2"),
            ("collections", "eval"),
        ].map { module, name in
            Case(
                "\(module).\(name)",
                value: PyTorchBytes.call(module, name, [PyTorchBytes.string("touch /tmp/lens-owned")]),
                says: "names '\(module).\(name)', and this reader knows no such callable")
        } + [
            Case(
                "by STACK_GLOBAL", value: PyTorchBytes.string("os") + PyTorchBytes.string("system") + [0x93],
                says: "names 'os.system'"),
            Case(
                "name of a megabyte",
                value: Array("c".utf8) + [UInt8](repeating: 0x61, count: 1 << 20) + Array("\nx\n".utf8),
                says: "a line of at most 256 bytes"),
            Case("INST", value: Array("(ios\nsystem\n".utf8), says: "instruction 0x69"),
            Case("OBJ", value: Array("(o".utf8), says: "instruction 0x6f"),
            Case(
                "NEWOBJ", value: PyTorchBytes.global("collections", "OrderedDict") + [0x29, 0x81],
                says: "instruction 0x81"),
            Case("EXT1", value: [0x82, 1], says: "instruction 0x82"),
            Case("PERSID of text", value: Array("Pstorage\n".utf8), says: "instruction 0x50"),
            Case("BYTEARRAY8", value: [0x96, 255, 255, 255, 255, 255, 255, 255, 127], says: "instruction 0x96"),
            Case("DUP", value: Array("N2".utf8), says: "instruction 0x32"),
            Case("protocol 0", pickle: [0x80, 0, 0x4E, 0x2E], says: "must be of protocol 2...5; it is of 0"),
            Case("protocol 9", pickle: [0x80, 9, 0x4E, 0x2E], says: "must be of protocol 2...5; it is of 9"),
            Case(
                "calls a string", value: PyTorchBytes.string("f") + PyTorchBytes.tuple([]) + [0x52],
                says: "calls a string"),
            Case(
                "calls a type", value: PyTorchBytes.call("torch", "FloatStorage", [PyTorchBytes.integer(1 << 40)]),
                says: "calls a type of elements"),
            Case(
                "attributes of a tensor", value: tensor([4], [1]) + PyTorchBytes.dictionary([("x", [0x4E])]) + [0x62],
                says: "sets attributes of a tensor"),
        ]

    // MARK: Stack and bounds

    static let machines: [Case] = [
        Case("empty", pickle: [], says: "ends too early"),
        Case("nothing but its end", pickle: [0x80, 2, 0x2E], says: "ends with 0 values"),
        Case("two values", pickle: [0x80, 2, 0x4E, 0x4E, 0x2E], says: "ends with 2 values"),
        Case("no end", pickle: Array(good.dropLast()), says: "ends too early"),
        Case("more behind its end", pickle: good + [0x4E], says: "goes on after the pickle's end"),
        Case("no mark", pickle: [0x80, 2, 0x74, 0x2E], says: "needs a mark"),
        Case("open mark", pickle: [0x80, 2, 0x28, 0x4E, 0x2E], says: "ends with"),
        Case("pops from nothing", pickle: [0x80, 2, 0x86, 0x2E], says: "needs 2 values"),
        Case("pops through a mark", pickle: [0x80, 2, 0x4E, 0x28, 0x85, 0x2E], says: "needs 1 values"),
        Case("remembers nothing", pickle: [0x80, 2, 0x71, 0, 0x2E], says: "needs a value"),
        Case("recalls what it never stored", pickle: [0x80, 2, 0x68, 7, 0x2E], says: "recalls value 7"),
        Case(
            "string beyond the end", pickle: [0x80, 2, 0x58, 255, 255, 255, 127, 0x2E],
            says: "expected 2147483647 bytes"),
        Case("string that is not UTF-8", pickle: [0x80, 2, 0x8C, 1, 0xFF, 0x2E], says: "is not UTF-8"),
        Case(
            "a stack of millions", pickle: [0x80, 2] + [UInt8](repeating: 0x4E, count: 4_000_000),
            says: "at most 100000 values waiting"),
        Case(
            "millions of marks", pickle: [0x80, 2] + [UInt8](repeating: 0x28, count: 4_000_000),
            says: "at most 100000 values waiting"),
        Case(
            "millions of tuples",
            pickle: [0x80, 2, 0x4E] + [UInt8](repeating: 0x85, count: 4_000_000), says: "at most 200000 tuples"),
        Case(
            "millions of memories",
            pickle: [0x80, 2, 0x4E]
                + (0..<500_000).flatMap { [0x72] + SafetensorsFileTests.bytes(UInt32($0)) }, says: "at most 400000"),
        Case("a list multiplied", pickle: multiplied, says: "at most 2000000 values in tuples"),
        Case(
            "over 16 MiB", pickle: [0x80, 2] + [UInt8](repeating: 0x95, count: 17 << 20),
            says: "data.pkl may have at most 16777216 bytes"),
        Case(
            "a list in itself", pickle: [0x80, 2, 0x5D, 0x71, 0, 0x68, 0, 0x61, 0x2E],
            says: "must hold a state dict, a dictionary of tensors; it holds a list"),
        Case("key without value", pickle: [0x80, 2, 0x7D, 0x28, 0x4E, 0x75, 0x2E], says: "a key without a value"),
        Case("sets items of a list", pickle: [0x80, 2, 0x5D, 0x4E, 0x4E, 0x73, 0x2E], says: "sets items of a list"),
        Case("appends to a dictionary", pickle: [0x80, 2, 0x7D, 0x4E, 0x61, 0x2E], says: "appends to a dictionary"),
        Case("key a number", pickle: [0x80, 2, 0x7D, 0x4B, 1, 0x4E, 0x73, 0x2E], says: "an integer as a key"),
    ]

    /// A list of a thousand pairs, made into an OrderedDict a hundred thousand times.
    private static let multiplied: [UInt8] = {
        var pickle: [UInt8] = [0x80, 2] + PyTorchBytes.global("collections", "OrderedDict")
        pickle += [0x71, 0, 0x5D, 0x28]
        for _ in 0..<1000 { pickle += [0x4E, 0x4E, 0x86] }
        pickle += [0x65, 0x71, 1, 0x28]
        for _ in 0..<100_000 { pickle += [0x68, 0, 0x68, 1, 0x85, 0x52] }
        return pickle
    }()

    // MARK: Tensors

    static let tensors: [Case] = [
        Case("no state dict", value: PyTorchBytes.integer(3), says: "'a' is an integer; expected a state dict"),
        Case(
            "a state dict in a dictionary", value: PyTorchBytes.dictionary([("w", tensor([4], [1]))]),
            says: "'a' is a dictionary; expected a state dict"),
        Case("no tensor at all", pickle: PyTorchBytes.pickle([0x7D]), says: "holds no tensor"),
        Case(
            "one name twice",
            pickle: PyTorchBytes.pickle(PyTorchBytes.dictionary([("a", tensor([4], [1])), ("a", tensor([4], [1]))])),
            says: "tensor 'a' is in the state dict twice"),
        Case(
            "the header's own name",
            pickle: PyTorchBytes.pickle(PyTorchBytes.dictionary([("__metadata__", tensor([4], [1]))])),
            says: "no tensor may be named '__metadata__'"),
        Case("beyond its storage", value: tensor([5], [1]), says: "leaves its storage '0' of 4 elements"),
        Case("offset beyond its storage", value: tensor(offset: 4, [1], [1]), says: "leaves its storage"),
        Case("stride beyond its storage", value: tensor([2, 2], [3, 1]), says: "leaves its storage"),
        Case("negative stride", value: tensor(offset: 3, [4], [-1]), says: "must not be negative"),
        Case("negative size", value: tensor([-4], [1]), says: "must not be negative"),
        Case("negative offset", value: tensor(offset: -1, [4], [1]), says: "must not be negative"),
        Case("shape that overflows", value: tensor([1 << 62, 1 << 62], [0, 0]), says: "leaves its storage"),
        Case("strides that overflow", value: tensor([3, 3], [.max, .max]), says: "leaves its storage"),
        Case("offset that overflows", value: tensor(offset: .max, [4], [1]), says: "leaves its storage"),
        Case("terabytes of one element", value: tensor([1 << 40], [0]), says: "repeats the 4 elements"),
        Case(
            "too many axes", value: tensor([Int](repeating: 1, count: 9), [Int](repeating: 1, count: 9)),
            says: "at most 8"),
        Case("sizes without strides", value: tensor([2, 2], [1]), says: "as many sizes as strides"),
        Case(
            "shape of strings",
            value: PyTorchBytes.call(
                "torch._utils", "_rebuild_tensor_v2",
                [storage, PyTorchBytes.integer(0), PyTorchBytes.tuple([PyTorchBytes.string("4")])]
                    + [PyTorchBytes.tuple([PyTorchBytes.integer(1)]), [0x89], [0x4E]]),
            says: "has a string among a tensor's sizes"),
        Case(
            "tensor of nothing", value: PyTorchBytes.call("torch._utils", "_rebuild_tensor_v2", []),
            says: "by something else than a storage"),
        Case(
            "parameter of a string",
            value: PyTorchBytes.call("torch._utils", "_rebuild_parameter", [PyTorchBytes.string("x")]),
            says: "makes a parameter of a string"),
        Case(
            "storage of no type",
            value: PyTorchBytes.tensor(PyTorchBytes.storage("0", "float32", count: 4), shape: [4], strides: [1]),
            says: "without a type of elements"),
        Case(
            "storage of complex numbers", value: PyTorchBytes.storage("0", "ComplexFloatStorage", count: 4),
            says: "names 'torch.ComplexFloatStorage'"),
        Case(
            "storage that overflows", value: PyTorchBytes.storage("0", count: .max),
            says: "a storage '0' of 9223372036854775807 elements, which overflows"),
        Case("negative storage", value: PyTorchBytes.storage("0", count: -4), says: "something else than a storage"),
        Case("reference to no storage", value: PyTorchBytes.string("x") + [0x51], says: "has a string where a tuple"),
        Case(
            "one storage in two ways",
            pickle: PyTorchBytes.stateDict([
                .init(name: "a", count: 4, shape: [4], strides: [1]),
                .init(name: "b", count: 3, shape: [3], strides: [1]),
            ]), says: "describes storage '0' in two ways"),
        Case(
            "missing storage",
            pickle: PyTorchBytes.stateDict([.init(name: "a", storage: "7", count: 4, shape: [4], strides: [1])]),
            says: "no entry data/7"),
        Case(
            "storage out of the archive",
            pickle: PyTorchBytes.stateDict([.init(name: "a", storage: "../x", count: 4, shape: [4], strides: [1])]),
            says: "no entry data/../x"),
        Case(
            "storage of another size",
            pickle: PyTorchBytes.stateDict([.init(name: "a", count: 5, shape: [4], strides: [1])]),
            says: "data/0 must have 20 bytes; it has 16"),
        Case(
            "one storage a hundred times",
            pickle: PyTorchBytes.stateDict(
                (0..<2000).map { .init(name: "\($0)", count: 4000, shape: [4000], strides: [1]) }),
            says: "data/0 must have 16000 bytes"),
    ]

    // MARK: Zip files

    static let archives: [Case] = [
        Case("empty file", [], says: "is no file of torch.save"),
        Case("text", Array("weights".utf8), says: "is no file of torch.save"),
        Case("tar", [UInt8](repeating: 0, count: 257) + Array("ustar".utf8) + sixteen, says: "tar format"),
        Case(
            "zip without a directory", PyTorchBytes.zip(good, fault: .init(isWithoutDirectory: true)),
            says: "no directory at its end"),
        Case(
            "truncated", Array(PyTorchBytes.zip(good, storages: [sixteen]).dropLast(9)), says: "no directory at its end"
        ),
        Case("compressed", PyTorchBytes.zip(good, fault: .init(method: 8)), says: "is compressed (method 8)"),
        Case("encrypted", PyTorchBytes.zip(good, fault: .init(flags: 1)), says: "is encrypted"),
        Case(
            "other name in the header", PyTorchBytes.zip(good, fault: .init(localName: "x/byteordeR")),
            says: "another name"),
        Case("entry too large", PyTorchBytes.zip(good, fault: .init(sizeError: 1 << 20)), says: "has 1048582 bytes"),
        Case("entry elsewhere", PyTorchBytes.zip(good, fault: .init(offsetError: 1)), says: "expected the zip entry"),
        Case(
            "entry behind the end", PyTorchBytes.zip(good, fault: .init(offsetError: 1 << 20)),
            says: "the entries end at"),
        Case(
            "directory behind the end", PyTorchBytes.zip(good, fault: .init(directoryOffsetError: 1 << 20)),
            says: "zip directory is said"),
        Case(
            "directory elsewhere", PyTorchBytes.zip(good, fault: .init(directoryOffsetError: -3)), says: "zip directory"
        ),
        Case(
            "more entries than there are", PyTorchBytes.zip(good, fault: .init(countError: 1)), says: "ends too early"),
        Case(
            "fewer entries than there are", PyTorchBytes.zip(good, fault: .init(countError: -1)), says: "bytes too many"
        ),
        Case(
            "one entry twice", PyTorchBytes.zip(good, extra: [("x/data.pkl", good)]),
            says: "'x/data.pkl' is there twice"),
        Case("entry without a name", PyTorchBytes.zip(good, extra: [("", good)]), says: "name must be UTF-8"),
        Case("no pickle", PyTorchBytes.zip(nil, storages: [sixteen]), says: "no entry data.pkl"),
        Case("big-endian", PyTorchBytes.zip(good, storages: [sixteen], byteOrder: "big"), says: "byte order 'big'"),
        Case("TorchScript", PyTorchBytes.zip(good, extra: [("x/constants.pkl", [])]), says: "TorchScript"),
        Case("overlapping entries", overlapping, says: "overlap"),
    ]

    /// Two directory entries that claim the same bytes; the second one's own header is inside the first one's data.
    private static let overlapping: [UInt8] = {
        let inner = Array(PyTorchBytes.zip([("x/b", sixteen)]).prefix(30 + 3 + 16))
        var bytes = PyTorchBytes.zip([("x/a", inner), ("x/b", sixteen)])
        // The last entry's offset, 4 bytes before its name at the directory's end.
        let place = bytes.count - 22 - 3 - 4
        bytes.replaceSubrange(place..<place + 4, with: SafetensorsFileTests.bytes(UInt32(33)))
        return bytes
    }()

    // MARK: The format before zip

    static let legacy: [Case] = [
        Case("other magic number", old(magic: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]), says: "lacks the magic number"),
        Case("other version", old(version: 1000), says: "expected version 1001"),
        Case("big-endian before zip", old(isLittleEndian: false), says: "little-endian"),
        Case("storage cut off", Array(old().dropLast()), says: "before the 16 bytes of storage '0'"),
        Case("bytes left over", old() + [0], says: "has 1 bytes after its last storage"),
        Case("storage of another count", old(storages: [(5, sixteen)]), says: "must have 4 elements; it has 5"),
        Case("storage not listed", old(keys: [], storages: []), says: "is in storage '0', which is missing"),
        Case(
            "storage nobody needs", old(keys: ["0", "1"], storages: [(4, sixteen), (4, sixteen)]),
            says: "do not refer to"),
        Case(
            "storage listed twice", old(keys: ["0", "0"], storages: [(4, sixteen), (4, sixteen)]), says: "or one twice"),
        Case("only a pickle", PyTorchBytes.pickle([0x4E]), says: "lacks the magic number"),
    ]

    private static func old(
        keys: [String] = ["0"], storages: [(count: Int, bytes: [UInt8])] = [(4, sixteen)], version: Int = 1001,
        magic: [UInt8] = [0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19], isLittleEndian: Bool = true
    ) -> [UInt8] {
        PyTorchBytes.legacy(
            good, keys: keys, storages: storages, version: version, magic: magic, isLittleEndian: isLittleEndian)
    }

    @Test(arguments: [programs, machines, tensors, archives, legacy].flatMap { $0 })
    func isRefused(bad: Case) throws {
        let folder = try TemporaryFolder()
        let path = try folder.write("x.bin", bad.bytes)
        let start = ContinuousClock.now
        let error = #expect(throws: LensError.self) { try PyTorchFile(opening: CheckpointFile(path: path)) }
        // Not a measurement: it must not hang.
        #expect(ContinuousClock.now - start < .seconds(20))
        #expect([.invalidArgument, .unimplemented].contains(error?.code))
        #expect(error?.message.contains(bad.says) == true, "\(error?.message ?? "")")
    }

    /// What the cases spoil is good as it is.
    @Test func theirBasisIsGood() throws {
        let folder = try TemporaryFolder()
        for bytes in [PyTorchBytes.zip(Self.good, storages: [Self.sixteen]), Self.old()] {
            let file = try PyTorchFile(opening: CheckpointFile(path: folder.write("x.bin", bytes)))
            #expect(file.tensors == [StoredTensor(name: "a", elementType: .float32, shape: [4])])
        }
        let repeated = PyTorchBytes.stateDict(
            (0..<2000).map { .init(name: "\($0)", count: 4000, shape: [4000], strides: [1]) })
        let path = try folder.write(
            "x.bin", PyTorchBytes.zip(repeated, storages: [[UInt8](repeating: 0, count: 16000)]))
        let error = #expect(throws: LensError.self) { try PyTorchFile(opening: CheckpointFile(path: path)) }
        #expect(error?.message.contains("repeat the same bytes more than 4 times") == true)
    }

    /// Two elements with megabytes between them would take memory for all of these.
    @Test func tensorsThatSpanFarMoreThanTheyHave() throws {
        let folder = try TemporaryFolder()
        func open(_ shape: [Int], _ strides: [Int]) throws -> PyTorchFile {
            let count = 6 << 20
            let pickle = PyTorchBytes.stateDict([.init(name: "a", count: count, shape: shape, strides: strides)])
            let bytes = PyTorchBytes.zip(pickle, storages: [[UInt8](repeating: 0, count: 4 * count)])
            return try PyTorchFile(opening: CheckpointFile(path: folder.write("x.bin", bytes)))
        }
        let error = #expect(throws: LensError.self) { try open([2], [2 << 20]) }
        #expect(error?.message.contains("tensor 'a' of 2 elements spans 2097153 of its storage") == true)
        // A transposed one, and a third of a fused one.
        _ = try open([1 << 10, 2 << 10], [1, 1 << 10])
        _ = try open([2 << 20], [3])
    }

    /// Every truncation of a good file is refused.
    @Test(arguments: ["views", "old-views"])
    func truncations(name: String) throws {
        let bytes = try Fixtures.bytes("pytorch/\(name).bin")
        let folder = try TemporaryFolder()
        for count in stride(from: 0, to: bytes.count, by: 41) {
            let path = try folder.write("x.bin", bytes.prefix(count))
            #expect(throws: LensError.self) { try PyTorchFile(opening: CheckpointFile(path: path)) }
        }
    }
}
