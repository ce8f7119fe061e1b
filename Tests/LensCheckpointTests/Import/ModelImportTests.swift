import Glibc
import LensCheckpoint
import LensCore
import LensTestSupport
import Synchronization
import Testing

struct ModelImportTests {
    private static let texts = ["config.json", "tokenizer.json", "tokenizer_config.json"]

    // MARK: What comes out

    @Test func safetensorsAreCopied() throws {
        let (source, target) = try (Self.source(), TemporaryFolder())
        try source.write("README.md", "no part of a model".utf8)
        try source.write("training_args.bin", [0x80, 2, 0x4E, 0x2E])
        try ModelImport(from: source.path).write(to: target.path + "/m", replacing: false)
        #expect(try names(target.path + "/m") == (Self.texts + ["model.safetensors"]).sorted())
        for name in Self.texts + ["model.safetensors"] {
            #expect(try Fixtures.bytes(at: "\(target.path)/m/\(name)") == Fixtures.bytes("gpt-neo-2l-f16/\(name)"))
        }
        let folder = try ModelFolder(opening: target.path + "/m")
        #expect(try folder.tensors().digest() == Fixtures.folder("gpt-neo-2l-f16").tensors().digest())
        try clear(target.path + "/m")
    }

    @Test func shardsAreCopiedWithTheirIndex() throws {
        let source = try Self.source(withWeights: false)
        let shard = "model-00001-of-00001.safetensors"
        let bytes = try Fixtures.bytes("gpt-neo-2l-f16/model.safetensors")
        try source.write(shard, bytes)
        let whole = try SafetensorsFile(opening: CheckpointFile(path: source.path + "/" + shard))
        let map = whole.names.map { "\"\($0)\":\"\(shard)\"" }.joined(separator: ",")
        try source.write(
            "model.safetensors.index.json", "{\"metadata\":{\"total_size\":1},\"weight_map\":{\(map)}}".utf8)
        let target = try TemporaryFolder()
        let model = try ModelImport(from: source.path)
        #expect(model.notices.count == 1)
        try model.write(to: target.path + "/m", replacing: false)
        #expect(try ModelFolder(opening: target.path + "/m").tensors().names == whole.names)
        try clear(target.path + "/m")
    }

    @Test(arguments: ["types.bin", "old-views.bin"])
    func pickledWeightsAreConverted(name: String) throws {
        let source = try Self.source(withWeights: false)
        try source.write("pytorch_model.bin", Fixtures.bytes("pytorch/" + name))
        let target = try TemporaryFolder()
        for path in [source.path, source.path + "/pytorch_model.bin"] {
            try ModelImport(from: path).write(to: target.path + "/m", replacing: true)
            try Self.compare(target.path + "/m", with: name.dropLast(4) + "/")
        }
        try clear(target.path + "/m")
    }

    /// A tied head is written once where `config.json` says that it is tied, and twice where it does not.
    @Test(arguments: [(#""tie_word_embeddings":true"#, 2), (#""model_type":"gpt2""#, 2), (#""model_type":"llama""#, 3)])
    func pickledShardsAreJoined(configuration: String, count: Int) throws {
        let source = try Self.source(withWeights: false)
        try source.write("config.json", #"{"architectures":["GPT2LMHeadModel"],\#(configuration)}"#.utf8)
        for name in ["-00001-of-00002.bin", "-00002-of-00002.bin", ".bin.index.json"] {
            try source.write("pytorch_model" + name, Fixtures.bytes("pytorch/pytorch_model" + name))
        }
        let target = try TemporaryFolder()
        try ModelImport(from: source.path).write(to: target.path + "/m", replacing: false)
        let names = try ModelFolder(opening: target.path + "/m").tensors().names
        #expect(names.count == count)
        #expect(names.contains("lm_head.weight") == (count == 3))
        try clear(target.path + "/m")
    }

    @Test func modesAreThoseThatTheDaemonAccepts() throws {
        let old = umask(0o000)
        defer { umask(old) }
        let (source, target) = try (Self.source(), TemporaryFolder())
        chmod(source.path + "/config.json", 0o666)
        try ModelImport(from: source.path).write(to: target.path + "/m", replacing: false)
        #expect(throws: Never.self) { try ModelFolder(opening: target.path + "/m") }
        try clear(target.path + "/m")
    }

    /// The cache of a download holds links.
    @Test func linksAreFollowedForTheirUser() throws {
        let (source, target) = try (Self.source(), TemporaryFolder())
        rename(source.path + "/model.safetensors", source.path + "/blob")
        symlink("blob", source.path + "/model.safetensors")
        try ModelImport(from: source.path).write(to: target.path + "/m", replacing: false)
        #expect(throws: Never.self) { try ModelFolder(opening: target.path + "/m") }
        try clear(target.path + "/m")
    }

    // MARK: What is left behind

    @Test func aFolderThatIsThereIsKept() throws {
        let (source, target) = try (Self.source(), TemporaryFolder())
        let path = target.path + "/m"
        let model = try ModelImport(from: source.path)
        try model.write(to: path, replacing: false)
        let other = #"{"architectures":["LlamaForCausalLM"]}"#
        try source.write("config.json", other.utf8)
        let error = #expect(throws: LensError.self) { try model.write(to: path, replacing: false) }
        #expect(error == LensError(.alreadyExists, "\(path) exists already"))
        try ModelImport(from: source.path).write(to: path, replacing: true)
        #expect(try Fixtures.bytes(at: path + "/config.json") == Array(other.utf8))
        #expect(try target.names() == ["m"])
        try clear(path)
        try target.write("m", [])
        #expect(throws: LensError.self) { try model.write(to: path, replacing: true) }
        #expect(try target.names() == ["m"])
    }

    @Test(arguments: ["model.safetensors", "pytorch_model.bin"])
    func cancellingLeavesNothing(weights: String) throws {
        let source = try Self.source(withWeights: false)
        let isPickled = weights.hasSuffix(".bin")
        try source.write(
            weights, Fixtures.bytes(isPickled ? "pytorch/views.bin" : "gpt-neo-2l-f16/model.safetensors"))
        let target = try TemporaryFolder()
        let control = CallControl()
        let watch = ReadingWatch(control: control) { done, _ in if done > 100 { control.cancel() } }
        #expect(throws: LensError.cancelled) {
            try ModelImport(from: source.path, watch: watch).write(to: target.path + "/m", replacing: false)
        }
        #expect(try target.names() == [])
    }

    @Test func aKilledImportIsSweptAway() throws {
        let (source, target) = try (Self.source(), TemporaryFolder())
        // Far over the largest process number.
        let stale = target.path + "/+importing-2147483000-m"
        mkdir(stale, 0o755)
        close(creat(stale + "/config.json", 0o644))
        let running = target.path + "/+importing-\(getppid())-m"
        mkdir(running, 0o755)
        let model = try ModelImport(from: source.path)
        try model.write(to: target.path + "/n", replacing: false)
        try clear(target.path + "/n")
        // Elsewhere than in a state folder it is not for the import to say what may go.
        #expect(try target.names().count == 2)
        try model.write(to: target.path + "/m", replacing: false, in: .stateFolder)
        #expect(try target.names() == [running.split(separator: "/").last.map(String.init), "m"].compactMap { $0 })
        rmdir(running)
        try clear(target.path + "/m")
    }

    /// What looks like the rest of a killed import, and is somebody else's files under such a name.
    @Test func sweepingFollowsNoLinkAndTakesNothingOfOthers() throws {
        let (source, target, victim) = try (Self.source(), TemporaryFolder(), TemporaryFolder())
        try victim.write("thesis.txt", "two years".utf8)
        let link = "+importing-2147483000-x"
        try target.link(link, to: victim.path)
        let model = try ModelImport(from: source.path)
        try model.write(to: target.path + "/m", replacing: false, in: .stateFolder)
        #expect(try victim.names() == ["thesis.txt"])
        // Nor does the folder that this very import would make, if it is there already and is a link.
        try target.link("+importing-\(getpid())-n", to: victim.path)
        #expect(throws: LensError.self) {
            try model.write(to: target.path + "/n", replacing: false, in: .stateFolder)
        }
        #expect(try victim.names() == ["thesis.txt"])
        try clear(target.path + "/m")
        guard geteuid() == 0 else { return }
        let foreign = target.path + "/+importing-2147483001-y"
        mkdir(foreign, 0o755)
        chown(foreign, 4711, 4711)
        try model.write(to: target.path + "/m", replacing: false, in: .stateFolder)
        #expect(try target.names().contains("+importing-2147483001-y"))
        rmdir(foreign)
        try clear(target.path + "/m")
    }

    /// The daemon of another user finds what root imports into its state folder.
    @Test(.enabled(if: geteuid() == 0)) func rootImportsForTheStateFoldersOwner() throws {
        let (source, target) = try (Self.source(), TemporaryFolder())
        chown(target.path, 4711, 4712)
        let folder = target.path + "/m"
        func owners() throws -> Set<[UInt32]> {
            Set(
                try ([""] + names(folder)).map { name in
                    var status = stat()
                    try #require(stat("\(folder)/\(name)", &status) == 0)
                    return [status.st_uid, status.st_gid]
                })
        }
        let model = try ModelImport(from: source.path)
        for _ in 0..<2 {
            try model.write(to: folder, replacing: true, in: .stateFolder)
            #expect(try owners() == [[4711, 4712]])
        }
        try model.write(to: folder + "/", replacing: true)
        #expect(try owners() == [[0, getegid()]])
        try clear(folder)
    }

    /// Whoever looks while a model is replaced finds the old one or the new one.
    @Test func replacingLeavesNoGap() async throws {
        let (source, target) = try (Self.source(), TemporaryFolder())
        let folder = target.path + "/m"
        let model = try ModelImport(from: source.path)
        try model.write(to: folder, replacing: false)
        let watcher = Task.detached {
            var gaps = 0
            while !Task.isCancelled { gaps += access(folder, F_OK) == 0 ? 0 : 1 }
            return gaps
        }
        for _ in 0..<50 { try model.write(to: folder, replacing: true) }
        watcher.cancel()
        #expect(await watcher.value == 0)
        try clear(folder)
    }

    @Test func progressCountsEveryByte() throws {
        for (weights, fixture) in [
            ("model.safetensors", "gpt-neo-2l-f16/model.safetensors"), ("pytorch_model.bin", "pytorch/views.bin"),
        ] {
            let source = try Self.source(withWeights: false)
            try source.write(weights, Fixtures.bytes(fixture))
            let last = Mutex((0, -1))
            let target = try TemporaryFolder()
            let watch = ReadingWatch { done, total in last.withLock { $0 = (done, total) } }
            try ModelImport(from: source.path, watch: watch).write(to: target.path + "/m", replacing: false)
            let (done, total) = last.withLock { $0 }
            #expect(done == total)
            try clear(target.path + "/m")
        }
    }

    // MARK: What is refused

    @Test func badSources() throws {
        func refusal(_ path: String) -> LensError? {
            #expect(throws: LensError.self) { try ModelImport(from: path) }
        }
        #expect(refusal("/nonexistent/lens")?.code == .notFound)
        let source = try Self.source(withWeights: false)
        #expect(refusal(source.path)?.message.hasPrefix("the folder has none of model.safetensors, ") == true)
        try source.write("pytorch_model.bin", "no weights".utf8)
        #expect(refusal(source.path)?.message.contains("pytorch_model.bin is no file of torch.save") == true)
        mkfifo(source.path + "/model.safetensors", 0o644)
        #expect(refusal(source.path)?.message == "model.safetensors must be a regular file; found a FIFO")
        unlink(source.path + "/model.safetensors")
        try source.write("tokenizer.json", "{".utf8)
        #expect(refusal(source.path)?.message.hasPrefix("tokenizer.json is not JSON") == true)
        unlink(source.path + "/tokenizer.json")
        unlink(source.path + "/config.json")
        #expect(refusal(source.path)?.message.hasPrefix("\(source.path) has no config.json; ") == true)
        try source.write("model.safetensors", "no weights".utf8)
        let file = source.path + "/model.safetensors"
        #expect(refusal(file)?.message.hasPrefix("there is no config.json beside \(file); ") == true)
    }

    /// Said before anything is copied.
    @Test func otherArchitecturesAreRefused() throws {
        let source = try Self.source()
        try source.write("config.json", #"{"architectures":["BertForMaskedLM"]}"#.utf8)
        let error = #expect(throws: LensError.self) { try ModelImport(from: source.path) }
        #expect(error?.code == .unimplemented)
        #expect(error?.message.hasPrefix("not supported: architecture BertForMaskedLM; expected one of Bloom") == true)
        try source.write("config.json", "{}".utf8)
        let missing = #expect(throws: LensError.self) { try ModelImport(from: source.path) }
        #expect(missing?.message == "config.json lacks the key 'architectures'")
    }

    /// A model whose tokenizer is in a format that nobody here reads is not taken for one that has none.
    @Test(arguments: ["tokenizer.model", "spiece.model", "vocab.txt", "vocab.json", "merges.txt"])
    func otherTokenizersAreRefused(name: String) throws {
        let source = try Self.source()
        unlink(source.path + "/tokenizer.json")
        try source.write(name, "{}".utf8)
        let error = #expect(throws: LensError.self) { try ModelImport(from: source.path) }
        #expect(error?.code == .notFound)
        #expect(error?.message.contains("has \(name), but no tokenizer.json; transformers writes one") == true)
        // Nor is one whose link leads nowhere.
        unlink(source.path + "/" + name)
        try source.link("tokenizer.json", to: "nowhere")
        #expect(throws: LensError.self) { try ModelImport(from: source.path) }
    }

    @Test(arguments: [
        ("/models/TinyStories-1Layer-21M", "tinystories-1layer-21m"), ("/a/Mÿ code", "m--code"), ("/", nil),
        ("/a/...", nil), ("/a/.hidden", "hidden"),
        ("/cache/hub/models--roneneldan--TinyStories-1M/snapshots/0123abc", "tinystories-1m"),
        ("/a/" + String(repeating: "x", count: 100), String(repeating: "x", count: 64)),
    ])
    func names(path: String, name: String?) {
        #expect(ModelImport.modelName(from: path) == name)
    }

    // MARK: Support

    private static func source(withWeights: Bool = true) throws -> TemporaryFolder {
        let folder = try TemporaryFolder()
        for name in texts + (withWeights ? ["model.safetensors"] : []) {
            try folder.write(name, Fixtures.bytes("gpt-neo-2l-f16/" + name))
        }
        return folder
    }

    private static func compare(_ path: String, with prefix: String) throws {
        let expected = try SafetensorsFile(opening: CheckpointFile(path: Fixtures.path("pytorch/expected.safetensors")))
        let found = try SafetensorsFile(opening: CheckpointFile(path: path + "/model.safetensors"))
        #expect(Set(found.names.map { prefix + $0 }) == Set(expected.names.filter { $0.hasPrefix(prefix) }))
        for name in found.names {
            #expect(try found.bytes(of: name) == expected.bytes(of: prefix + name))
            #expect(found.info(of: name)?.shape == expected.info(of: prefix + name)?.shape)
        }
    }

    private func names(_ folder: String) throws -> [String] { try TemporaryFolder.names(in: folder) }

    private func clear(_ folder: String) throws {
        for name in try names(folder) { unlink(folder + "/" + name) }
        rmdir(folder)
    }
}
