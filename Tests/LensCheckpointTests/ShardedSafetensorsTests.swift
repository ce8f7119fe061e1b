import Glibc
import LensCheckpoint
import LensCore
import LensTestSupport
import Synchronization
import Testing

struct ShardedSafetensorsTests {
    private static let first = "model-00001-of-00002.safetensors"
    private static let second = "model-00002-of-00002.safetensors"
    private static let map = #""a":"\#(first)","b":"\#(first)","c":"\#(second)""#

    // MARK: Good folders

    @Test func readsEveryShard() throws {
        let folder = try Self.folder(index: #"{"metadata":{"total_size":20},"weight_map":{\#(Self.map)}}"#)
        let tensors = try ModelFolder(opening: folder.path).tensors()
        #expect(tensors.name == "model.safetensors.index.json")
        #expect(tensors.names == ["a", "b", "c"])
        #expect(tensors.notices.isEmpty)
        #expect(try SafetensorsFileTests.floats(tensors, "a", [2]) == [1, 2])
        #expect(try SafetensorsFileTests.floats(tensors, "b", [1]) == [3])
        #expect(try SafetensorsFileTests.floats(tensors, "c", [1, 2]) == [4, 5])
        #expect(tensors.info(of: "c")?.shape == [1, 2])
        #expect(tensors.info(of: "d") == nil)
        #expect(throws: LensError.notFound("model.safetensors.index.json has no tensor 'd'")) {
            try SafetensorsFileTests.floats(tensors, "d", [1])
        }
        #expect(throws: LensError.invalidArgument("\(Self.second): tensor 'c': expected shape [2]; found [1, 2]")) {
            try SafetensorsFileTests.floats(tensors, "c", [2])
        }
    }

    /// What `save_pretrained` writes beside an older single file is not looked at, as in transformers.
    @Test func theSingleFileGoesFirst() throws {
        let folder = try Self.folder(index: "no JSON at all")
        try Self.write(#"{"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#, [7], "model.safetensors", in: folder)
        #expect(try ModelFolder(opening: folder.path).tensors().names == ["x"])
    }

    @Test func everyShardCountsForTheDigest() throws {
        let index = #"{"weight_map":{\#(Self.map)}}"#
        let original = try Self.folder(index: index)
        let digest = try ModelFolder(opening: original.path).tensors().digest()
        #expect(digest.count == 32)
        for changed in [Self.first, Self.second] {
            let folder = try Self.folder(index: index)
            var bytes = try Fixtures.bytes(at: folder.path + "/" + changed)
            bytes[bytes.count - 1] ^= 1
            try folder.write(changed, bytes)
            #expect(try ModelFolder(opening: folder.path).tensors().digest() != digest)
        }
        #expect(try ModelFolder(opening: original.path).tensors().digest() == digest)
    }

    @Test(arguments: [#""total_size":24"#, #""total_size":0"#])
    func aWrongTotalIsToldAndNoReasonToRefuse(metadata: String) throws {
        let folder = try Self.folder(index: #"{"metadata":{\#(metadata)},"weight_map":{\#(Self.map)}}"#)
        let notices = try ModelFolder(opening: folder.path).tensors().notices
        #expect(notices.count == 1)
        #expect(notices.first?.hasSuffix("they have 20") == true)
    }

    // MARK: Bad folders

    @Test(arguments: [
        (#"{"metadata":{}}"#, "lacks the key 'weight_map'"),
        (#"{"weight_map":[]}"#, "weight_map must be an object; found an array"),
        (#"{"weight_map":{}}"#, "weight_map names no tensor"),
        (#"{"weight_map":{"a":7}}"#, "a must be a string; found a number"),
        ("[]", "must be an object; found an array"),
        (#"{"weight_map":{"#, "is not JSON"),
        (#"{"metadata":7,"weight_map":{\#(map)}}"#, "metadata must be an object; found a number"),
        (#"{"weight_map":{\#(map),"a":"\#(second)"}}"#, "tensor 'a' is in weight_map twice"),
        (#"{"weight_map":{\#(map),"d":"\#(second)"}}"#, "says that tensor 'd' is in \(second), which does not have it"),
        (#"{"weight_map":{"a":"\#(first)","c":"\#(second)"}}"#, "does not know tensor 'b' of \(first)"),
        (
            #"{"weight_map":{"a":"\#(first)","b":"\#(second)","c":"\#(second)"}}"#,
            "says that tensor 'b' is in \(second); it is in \(first)"
        ),
        (#"{"weight_map":{\#(map),"d":"../../etc/x.safetensors"}}"#, "said to be in '../../etc/x.safetensors'"),
        (#"{"weight_map":{\#(map),"d":"/etc/x.safetensors"}}"#, "must be in a file of the folder itself"),
        (#"{"weight_map":{\#(map),"d":".."}}"#, "must be in a file of the folder itself"),
        (#"{"weight_map":{\#(map),"d":""}}"#, "must be in a file of the folder itself"),
        (#"{"weight_map":{\#(map),"d":"x\u0000.safetensors"}}"#, "must be in a file of the folder itself"),
        (#"{"weight_map":{\#(map),"d":"pytorch_model.bin"}}"#, "whose name ends in .safetensors"),
        (#"{"weight_map":{\#(map),"d":"absent.safetensors"}}"#, "cannot open absent.safetensors"),
    ])
    func index(text: String, says: String) throws {
        let folder = try Self.folder(index: text)
        let error = #expect(throws: LensError.self) { try ModelFolder(opening: folder.path).tensors() }
        #expect(error?.message.contains(says) == true, "\(error?.message ?? "")")
    }

    @Test func aTensorInTwoShards() throws {
        let folder = try Self.folder(index: #"{"weight_map":{\#(Self.map)}}"#)
        try Self.write(
            #"{"c":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}"#,
            [1, 2], Self.second, in: folder)
        let error = #expect(throws: LensError.self) { try ModelFolder(opening: folder.path).tensors() }
        #expect(error?.message.contains("tensor 'a' is in two shards, \(Self.first) and \(Self.second)") == true)
    }

    @Test func tooManyShards() throws {
        let map = (0...256).map { #""t\#($0)":"s\#($0).safetensors""# }.joined(separator: ",")
        let folder = try Self.folder(index: #"{"weight_map":{\#(map)}}"#)
        let error = #expect(throws: LensError.self) { try ModelFolder(opening: folder.path) }
        #expect(error?.message.contains("at most 256 shards; it names 257") == true)
    }

    @Test func shardsAreNoLinks() throws {
        let folder = try Self.folder(index: #"{"weight_map":{\#(Self.map)}}"#)
        rename(folder.path + "/" + Self.second, folder.path + "/moved")
        symlink("moved", folder.path + "/" + Self.second)
        let error = #expect(throws: LensError.self) { try ModelFolder(opening: folder.path) }
        #expect(error?.code == .permissionDenied)
        #expect(error?.message.contains("\(Self.second) is a symbolic link") == true)
    }

    // MARK: Watching

    @Test func readingIsCountedOverAllShards() throws {
        let folder = try Self.folder(index: #"{"weight_map":{\#(Self.map)}}"#)
        let calls = Mutex<[[Int]]>([])
        let watch = ReadingWatch { done, total in calls.withLock { $0.append([done, total]) } }
        let tensors = try ModelFolder(opening: folder.path).tensors(watch: watch)
        _ = try SafetensorsFileTests.floats(tensors, "c", [1, 2])
        _ = try tensors.digest()
        #expect(calls.withLock { $0 } == [[8, 20], [16, 20], [20, 20]])
    }

    @Test func readingStopsWhenItIsCancelled() throws {
        let folder = try Self.folder(index: #"{"weight_map":{\#(Self.map)}}"#)
        let control = CallControl()
        let tensors = try ModelFolder(opening: folder.path).tensors(watch: ReadingWatch(control: control))
        _ = try SafetensorsFileTests.floats(tensors, "a", [2])
        control.cancel()
        #expect(throws: LensError.cancelled) { try SafetensorsFileTests.floats(tensors, "c", [1, 2]) }
        #expect(throws: LensError.cancelled) { try tensors.digest() }
    }

    // MARK: Support

    /// Two shards, an index, and the other files of a model.
    private static func folder(index: String) throws -> TemporaryFolder {
        let folder = try TemporaryFolder()
        for name in ["config.json", "tokenizer.json"] {
            try folder.write(name, Fixtures.bytes("gpt-neo-2l-f16/" + name))
        }
        try write(
            #"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[1],"data_offsets":[8,12]}}"#,
            [1, 2, 3], first, in: folder)
        try write(#"{"c":{"dtype":"F32","shape":[1,2],"data_offsets":[0,8]}}"#, [4, 5], second, in: folder)
        try folder.write("model.safetensors.index.json", index.utf8)
        return folder
    }

    private static func write(_ header: String, _ data: [Float], _ name: String, in folder: TemporaryFolder) throws {
        let length = SafetensorsFileTests.bytes(UInt64(header.utf8.count))
        try folder.write(
            name, length + Array(header.utf8) + data.flatMap { SafetensorsFileTests.bytes($0.bitPattern) })
    }
}
