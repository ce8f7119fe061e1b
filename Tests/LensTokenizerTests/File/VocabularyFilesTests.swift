import LensCheckpoint
import LensCore
import LensTestSupport
import LensTokenizer
import Testing

/// Folders with `vocab.json` and `merges.txt` instead of a `tokenizer.json`.
struct VocabularyFilesTests {
    /// A checkpoint's folder with its tokenizer taken apart.
    private func folder(settings: String? = nil) throws -> TemporaryFolder {
        let folder = try TemporaryFolder()
        for name in ["config.json", "model.safetensors"] {
            try folder.write(name, Fixtures.bytes("gpt-neo-1l-16h/" + name))
        }
        let model = try Fixtures.json("gpt-neo-1l-16h/tokenizer.json").object().required("model").object()
        var vocabulary: [String] = []
        try model.required("vocab").forEachMember { token, id throws(LensError) in
            let escaped = token.map { $0 == "\"" || $0 == "\\" ? "\\\($0)" : "\($0)" }.joined()
            vocabulary.append("\"\(escaped)\":\(try id.integer(in: 0...1 << 20))")
        }
        var merges = "#version: 0.2\n"
        try model.required("merges").forEachElement { pair throws(LensError) in
            var parts: [String] = []
            try pair.forEachElement { part throws(LensError) in parts.append(try part.string()) }
            merges += parts.joined(separator: " ") + "\n"
        }
        try folder.write("vocab.json", Array("{\(vocabulary.joined(separator: ","))}".utf8))
        try folder.write("merges.txt", Array(merges.utf8))
        if let settings { try folder.write("tokenizer_config.json", Array(settings.utf8)) }
        return folder
    }

    private func tokenizer(_ folder: TemporaryFolder) throws -> Tokenizer {
        let folder = try ModelFolder(opening: folder.path)
        return try Tokenizer(reading: #require(folder.tokenizer), settings: folder.tokenizerConfiguration)
    }

    @Test(arguments: [
        nil, #"{"tokenizer_class":"GPT2TokenizerFast","bos_token":"<|endoftext|>"}"#,
        #"{"tokenizer_class":"CodeGenTokenizer","eos_token":{"content":"<|endoftext|>","normalized":true}}"#,
        #"{"added_tokens_decoder":{"0":{"content":"<|endoftext|>","special":true}}}"#,
    ])
    func saysWhatTheOneFileSays(settings: String?) throws {
        let parts = try folder(settings: settings)
        let apart = try tokenizer(parts)
        let whole = try Tokenizer(
            reading: NamedBytes(name: "tokenizer.json", bytes: Fixtures.bytes("gpt-neo-1l-16h/tokenizer.json")))
        var count = 0
        try Fixtures.json("tokenizer/strings.json").forEachElement { value throws(LensError) in
            let text = try value.object().required("text").string()
            #expect(apart.encode(text) == whole.encode(text), "\(text.debugDescription)")
            count += 1
        }
        #expect(count > 300)
    }

    @Test func classesHaveTheirOwnWays() throws {
        let parts = try folder(settings: #"{"tokenizer_class":"Qwen2Tokenizer","eos_token":"<|endoftext|>"}"#)
        let qwen = try tokenizer(parts)
        #expect(qwen.bosTokenID == 0)
        // Composed, and digits one by one.
        #expect(qwen.encode("e\u{301}") == qwen.encode("é"))
        #expect(try qwen.encode("12").map { try qwen.text(of: $0) } == ["1", "2"])
    }

    /// An error names the files that there are.
    @Test func badMergesAreNamed() throws {
        let parts = try folder(settings: "{}")
        try parts.write("merges.txt", "#version: 0.2\nq \u{1}\n".utf8)
        let error = #expect(throws: LensError.self) { try tokenizer(parts) }
        #expect(error?.message.hasPrefix("vocab.json with merges.txt: merges ") == true, "\(error?.message ?? "")")
    }

    @Test(arguments: [
        (#"{"tokenizer_class":"T5Tokenizer"}"#, "tokenizer_class 'T5Tokenizer' is not supported with vocab.json"),
        (#"{"add_prefix_space":true}"#, "add_prefix_space true is not supported with vocab.json"),
        (#"{"pad_token":"<pad>"}"#, "pad_token '<pad>' is not in vocab.json; expected a tokenizer.json"),
        (#"{"added_tokens_decoder":{"x":{"content":"a"}}}"#, "must have ids as keys; found 'x'"),
    ])
    func namesWhatIsNotKnown(settings: String, says: String) throws {
        let folder = try folder(settings: settings)
        let error = #expect(throws: LensError.self) { try ModelFolder(opening: folder.path) }
        #expect(error?.message.contains(says) == true, "\(error?.message ?? "")")
    }
}
