import Glibc
import LensCore
import LensCheckpoint
import LensTestSupport
import Testing

struct ModelFolderTests {
    @Test(arguments: Fixtures.checkpoints)
    func opensCheckpoints(checkpoint: String) throws {
        let folder = try Fixtures.folder(checkpoint)
        #expect(try folder.configuration.bytes == Fixtures.bytes(checkpoint + "/config.json"))
        #expect(try folder.tokenizer?.bytes == Fixtures.bytes(checkpoint + "/tokenizer.json"))
        #expect(folder.tokenizerConfiguration != nil)
        let weights = try folder.tensors()
        let wte = try #require(weights.info(of: "transformer.wte.weight"))
        let keys = try folder.configuration.object()
        let sizes = try ["vocab_size", "hidden_size"].map { try keys.required($0).integer(in: 1...Int.max) }
        #expect(wte.shape == sizes)
    }

    @Test func missingParts() throws {
        expectError(.notFound, "cannot open the model's folder /nonexistent/lens") {
            try ModelFolder(opening: "/nonexistent/lens")
        }
        let folder = try copy()
        unlink(folder.path + "/tokenizer_config.json")
        #expect(try ModelFolder(opening: folder.path).tokenizerConfiguration == nil)
        for name in ["model.safetensors", "config.json"] {
            unlink(folder.path + "/" + name)
            expectError(.notFound, "cannot open \(name)") { try ModelFolder(opening: folder.path) }
        }
    }

    /// A toy model has no tokenizer; one that went astray is missed.
    @Test func modelsWithoutATokenizer() throws {
        let folder = try copy()
        unlink(folder.path + "/tokenizer.json")
        expectError(.notFound, "has tokenizer_config.json, but no tokenizer.json") {
            try ModelFolder(opening: folder.path)
        }
        unlink(folder.path + "/tokenizer_config.json")
        let opened = try ModelFolder(opening: folder.path)
        #expect(opened.tokenizer == nil)
        #expect(opened.tokenizerConfiguration == nil)
        try folder.write("tokenizer.model", [1])
        expectError(.notFound, "has tokenizer.model, but no tokenizer.json") {
            try ModelFolder(opening: folder.path)
        }
    }

    @Test(arguments: ["pytorch_model.bin.index.json", "pytorch_model.bin"])
    func otherFormats(name: String) throws {
        let folder = try copy()
        unlink(folder.path + "/model.safetensors")
        try folder.write(name, [])
        expectError(.unimplemented, "not supported: weights as \(name)") {
            try ModelFolder(opening: folder.path)
        }
    }

    @Test(arguments: ["config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"])
    func onlyRegularFilesOfTheFolder(name: String) throws {
        let folder = try copy()
        let path = folder.path + "/" + name
        let moved = folder.path + "/moved"

        rename(path, moved)
        symlink(moved, path)
        expectError(.permissionDenied, "\(name) is a symbolic link") { try ModelFolder(opening: folder.path) }

        unlink(path)
        symlink("/dev/zero", path)
        expectError(.permissionDenied, "\(name) is a symbolic link") { try ModelFolder(opening: folder.path) }

        // Opening a FIFO for reading waits for a writer unless one is careful.
        unlink(path)
        mkfifo(path, 0o644)
        let start = ContinuousClock.now
        expectError(.invalidArgument, "\(name) must be a regular file; found a FIFO") {
            try ModelFolder(opening: folder.path)
        }
        // Not a measurement: it must not hang.
        #expect(ContinuousClock.now - start < .seconds(20))

        unlink(path)
        mkdir(path, 0o755)
        expectError(.invalidArgument, "\(name) must be a regular file; found a directory") {
            try ModelFolder(opening: folder.path)
        }
        rmdir(path)

        rename(moved, path)
        #expect(throws: Never.self) { try ModelFolder(opening: folder.path) }
    }

    @Test(arguments: ["config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json", ""])
    func strangersMayNotWrite(name: String) throws {
        let folder = try copy()
        let path = folder.path + "/" + name
        let mode: mode_t = name.isEmpty ? 0o755 : 0o644
        chmod(path, mode | 0o002)
        expectError(.permissionDenied, "must not be writable by group or others") {
            try ModelFolder(opening: folder.path)
        }
        chmod(path, mode)
        #expect(throws: Never.self) { try ModelFolder(opening: folder.path) }
        guard geteuid() == 0 else { return }
        // Only root can give files away.
        chown(path, 4242, 4242)
        expectError(.permissionDenied, "it belongs to uid 4242") { try ModelFolder(opening: folder.path) }
        chmod(path, mode | 0o020)
        chown(path, 0, 4242)
        expectError(.permissionDenied, "must not be writable by group or others") {
            try ModelFolder(opening: folder.path)
        }
        // Root's own group, as in an unpacked archive.
        chown(path, 0, 0)
        #expect(throws: Never.self) { try ModelFolder(opening: folder.path) }
    }

    @Test(arguments: [("config.json", 1 << 20), ("tokenizer.json", 32 << 20), ("tokenizer_config.json", 1 << 20)])
    func hugeFilesAreNotRead(name: String, limit: Int) throws {
        let folder = try copy()
        // A hole: nothing is written.
        #expect(truncate(folder.path + "/" + name, 1 << 40) == 0)
        expectError(.invalidArgument, "\(name) may have at most \(limit) bytes; it has 1099511627776") {
            try ModelFolder(opening: folder.path)
        }
    }

    // MARK: Support

    private func copy() throws -> TemporaryFolder {
        let folder = try TemporaryFolder()
        for name in ["config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"] {
            try folder.write(name, Fixtures.bytes("gpt-neo-2l-f16/" + name))
        }
        return folder
    }

    private func expectError(
        _ code: StatusCode, _ part: String, sourceLocation: SourceLocation = #_sourceLocation,
        _ body: () throws -> some Any
    ) {
        let error = #expect(throws: LensError.self, sourceLocation: sourceLocation) { try body() }
        #expect(error?.code == code, sourceLocation: sourceLocation)
        #expect(error?.message.contains(part) == true, "\(error?.message ?? "")", sourceLocation: sourceLocation)
    }
}
