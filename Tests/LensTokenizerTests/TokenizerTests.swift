import LensCheckpoint
import LensCore
import LensModel
import LensTestSupport
import LensTokenizer
import Testing

/// Against what the `tokenizers` library says (`tokenizer/*.json` of the fixtures).
struct TokenizerTests {
    private static let files = ["checkpoint": "gpt-neo-1l-16h/tokenizer.json", "large": "tokenizer/tokenizer.json"]

    private static func tokenizers() throws -> [String: Tokenizer] {
        try files.mapValues { path in
            try Tokenizer(reading: NamedBytes(name: path, bytes: Fixtures.bytes(path)))
        }
    }

    private static func integers(_ value: JSONValue) throws -> [Int32] {
        var result: [Int32] = []
        try value.forEachElement { element throws(LensError) in
            result.append(Int32(try element.integer(in: 0...1 << 30)))
        }
        return result
    }

    @Test func encodesAndDecodesLikeTheLibrary() throws {
        let tokenizers = try Self.tokenizers()
        var count = 0
        try Fixtures.json("tokenizer/strings.json").forEachElement { value throws(LensError) in
            let fields = try value.object()
            let text = try fields.required("text").string()
            let decoded = try fields.required("decoded").string()
            let ids = try fields.required("ids").object()
            for (name, tokenizer) in tokenizers {
                guard let expected = try? Self.integers(ids.required(name)) else {
                    Issue.record("no ids of \(name)")
                    continue
                }
                #expect(tokenizer.encode(text) == expected, "\(name): \(text.debugDescription)")
                let found = try tokenizer.decode(expected)
                #expect(found == decoded)
                count += 1
            }
        }
        #expect(count >= 800)
    }

    /// One long word, which is merged in one go, and many words.
    @Test(arguments: ["ab", "ab cd "])
    func aCallThatEndsIsNoticedWithinAText(part: String) throws {
        let tokenizer = try #require(try Self.tokenizers()["large"])
        let text = String(repeating: part, count: (1 << 20) / part.utf8.count)
        let patient = CallControl()
        let clock = ContinuousClock()
        let duration = try clock.measure {
            let ids = try tokenizer.encode(text, prependingBOS: false, control: patient)
            #expect(ids == tokenizer.encode(text, prependingBOS: false))
        }
        // Later than the text is made words, long before they are all merged.
        let hurried = CallControl(deadline: .now + duration / 8)
        let late = #expect(throws: LensError.self) {
            // Not returned: a failure would print a million tokens.
            _ = try tokenizer.encode(text, prependingBOS: false, control: hurried)
        }
        #expect(late?.code == .deadlineExceeded)
        patient.cancel()
        let cancelled = #expect(throws: LensError.self) {
            _ = try tokenizer.encode(text, prependingBOS: false, control: patient)
        }
        #expect(cancelled?.code == .cancelled)
    }

    @Test func decodesBrokenBytesLikeTheLibrary() throws {
        let tokenizers = try Self.tokenizers()
        var count = 0
        try Fixtures.json("tokenizer/decode.json").forEachElement { value throws(LensError) in
            let fields = try value.object()
            let name = try fields.required("tokenizer").string()
            let text = try fields.required("text").string()
            guard let tokenizer = tokenizers[name], let ids = try? Self.integers(fields.required("ids")) else {
                Issue.record("no tokenizer or ids: \(name)")
                return
            }
            let decoded = try tokenizer.decode(ids)
            // Not by ==, which takes canonically equivalent texts for equal.
            #expect(Array(decoded.utf8) == Array(text.utf8), "\(name): \(ids)")
            if ids.count == 1 {
                let single = try tokenizer.text(of: ids[0])
                #expect(Array(single.utf8) == Array(text.utf8))
            }
            count += 1
        }
        #expect(count >= 1000)
    }

    @Test func idsAreWithoutWhatThePostProcessorAdds() throws {
        let folder = try Fixtures.folder("gpt-neo-1l-untied")
        let tokenizer = try #require(
            try Tokenizer(reading: folder, configuration: HuggingFaceConfiguration(reading: folder.configuration)))
        let bos = try #require(tokenizer.bosTokenID)
        try Fixtures.json("tokenizer/bos.json").forEachElement { value throws(LensError) in
            let fields = try value.object()
            let text = try fields.required("text").string()
            guard let ids = try? Self.integers(fields.required("ids")),
                let special = try? Self.integers(fields.required("special_ids"))
            else {
                Issue.record("no ids")
                return
            }
            #expect(tokenizer.encode(text) == ids)
            #expect([bos] + tokenizer.encode(text) == special)
        }
    }

    @Test(arguments: Fixtures.checkpoints)
    func referenceTextBecomesTheReferenceTokens(checkpoint: String) throws {
        let folder = try Fixtures.folder(checkpoint)
        let configuration = try HuggingFaceConfiguration(reading: folder.configuration)
        let tokenizer = try #require(try Tokenizer(reading: folder, configuration: configuration))
        #expect(tokenizer.bosTokenID == 0)
        #expect(tokenizer.vocabularySize == configuration.model.dVocab)
        let text = try Fixtures.json(checkpoint + "/reference.json").object().required("text").string()
        let tokens = try Fixtures.reference(checkpoint).tokens("text/tokens")
        #expect([0] + tokenizer.encode(text) == tokens)
    }

    @Test func rangeOfIds() throws {
        let folder = try Fixtures.folder("gpt-neo-2l-bf16")
        let tokenizer = try #require(
            try Tokenizer(reading: folder, configuration: HuggingFaceConfiguration(reading: folder.configuration)))
        // 265 tokens for 272 rows of the embedding: the rest stand for nothing.
        #expect(try tokenizer.text(of: 271) == "")
        #expect(try tokenizer.decode([269, 271]) == "")
        for id: Int32 in [-1, 272, .max, .min] {
            let expected = LensError.invalidArgument("token id must be in 0...271; received \(id)")
            #expect(throws: expected) { try tokenizer.text(of: id) }
            #expect(throws: expected) { try tokenizer.decode([1, id]) }
        }
    }

    @Test func longWordsTakeNoQuadraticTime() throws {
        let tokenizer = try #require(Self.tokenizers()["large"])
        for unit in ["a", "ab", " ", "\u{1F600}", "'s", "\n ", "é", "<|endoftext|"] {
            let text = String(repeating: unit, count: 1_000_000 / unit.utf8.count)
            let start = ContinuousClock.now
            let tokens = tokenizer.encode(text)
            let time = ContinuousClock.now - start
            #expect(try tokenizer.decode(tokens) == text)
            // A quadratic way takes minutes here.
            #expect(time < .seconds(5), "\(unit): \(time)")
        }
    }

    @Test func manyThreadsGetTheSame() async throws {
        let tokenizer = try #require(Self.tokenizers()["large"])
        let text = String(repeating: "Tom saw a red ball. \"Hello!\" said the big dog, and they played. ", count: 200)
        let alone = tokenizer.encode(text)
        await withTaskGroup(of: [Int32].self) { group in
            for _ in 0..<16 { group.addTask { tokenizer.encode(text) } }
            for await tokens in group { #expect(tokens == alone) }
        }
    }
}
