import LensCore
import LensCheckpoint
import LensTestSupport
import Testing

struct ModelFingerprintTests {
    @Test func sameFilesSameFingerprint() throws {
        let first = try fingerprint("gpt-neo-2l-f16")
        #expect(first.description.utf8.count == 64)
        #expect(first.description.allSatisfy { $0.isHexDigit && !$0.isUppercase })
        #expect(try fingerprint("gpt-neo-2l-f16") == first)
        #expect(try Set(Fixtures.checkpoints.map { try fingerprint($0) }).count == Fixtures.checkpoints.count)
    }

    /// What was read before counts as what is read for the fingerprint.
    @Test func readingChangesNothing() throws {
        let folder = try Fixtures.folder("gpt-neo-2l-f16")
        let file = try folder.tensors()
        for name in file.names.reversed() {
            guard let info = file.info(of: name), info.elementType != .bool else { continue }
            _ = try SafetensorsFileTests.floats(file, name, info.shape)
        }
        let read = try ModelFingerprint(weights: file, configuration: folder.configuration, tokenizer: folder.tokenizer)
        #expect(try read == fingerprint("gpt-neo-2l-f16"))
    }

    @Test func everyByteCounts() throws {
        let original = try fingerprint("gpt-neo-2l-f16")
        let bytes = try Fixtures.bytes("gpt-neo-2l-f16/model.safetensors")
        let temporary = try TemporaryFolder()
        // The last byte of the header's padding or text and of the data, and one in a tensor that no model reads.
        for position in [bytes.count - 1, bytes.count / 2, bytes.count / 3] {
            var changed = bytes
            changed[position] ^= 1
            let path = try temporary.write("model.safetensors", changed)
            #expect(try fingerprint("gpt-neo-2l-f16", weights: path) != original)
        }
        let folder = try Fixtures.folder("gpt-neo-2l-f16")
        let file = try folder.tensors()
        func with(_ configuration: NamedBytes, _ tokenizer: NamedBytes?) throws -> ModelFingerprint {
            try ModelFingerprint(weights: file, configuration: configuration, tokenizer: tokenizer)
        }
        func longer(_ file: NamedBytes) -> NamedBytes { NamedBytes(name: file.name, bytes: file.bytes + [0x20]) }
        #expect(try with(folder.configuration, folder.tokenizer) == original)
        let tokenizer = try #require(folder.tokenizer)
        #expect(try with(longer(folder.configuration), tokenizer) != original)
        #expect(try with(folder.configuration, longer(tokenizer)) != original)
        #expect(try with(tokenizer, folder.configuration) != original)
        let without = try with(folder.configuration, nil)
        #expect(without != original)
        #expect(try without != with(folder.configuration, NamedBytes(name: tokenizer.name, bytes: [])))
    }

    private func fingerprint(_ checkpoint: String, weights: String? = nil) throws -> ModelFingerprint {
        let folder = try Fixtures.folder(checkpoint)
        let file =
            try weights.map { path in try SafetensorsFile(opening: CheckpointFile(path: path)) } ?? folder.tensors()
        return try ModelFingerprint(weights: file, configuration: folder.configuration, tokenizer: folder.tokenizer)
    }
}
