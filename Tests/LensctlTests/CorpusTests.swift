import FoundationEssentials
import LensCore
import Testing
import lensctl

@Suite struct CorpusTests {
    private func prompts(_ text: String, jsonl: Bool = false, prependBOS: Bool = true) throws -> [String] {
        try withCorpus(text, jsonl: jsonl, prependBOS: prependBOS) { corpus in
            let count = try corpus.check()
            var prompts: [String] = []
            while let prompt = try corpus.next() { prompts.append(Self.text(of: prompt)) }
            #expect(prompts.count == count)
            return prompts
        }
    }

    /// A file of its own, gone afterwards.
    private func withCorpus<Result>(
        _ text: String, jsonl: Bool = false, prependBOS: Bool = true, _ body: (Corpus) throws -> Result
    ) throws -> Result {
        let file = FileManager.default.temporaryDirectory
            .appending(path: "corpus-\(UInt64.random(in: 0...UInt64.max))\(jsonl ? ".jsonl" : ".txt")")
        try Data(text.utf8).write(to: file)
        defer { try? FileManager.default.removeItem(at: file) }
        return try body(Corpus(at: file.path, prependBOS: prependBOS))
    }

    private static func text(of prompt: Prompt) -> String {
        switch prompt {
        case .text(let text, true): text
        case .text(let text, false): "without BOS: \(text)"
        case .tokens(let ids): "\(ids)"
        }
    }

    @Test func everyLineIsAPromptAndEmptyOnesAreSkipped() throws {
        #expect(try prompts("one\n\n  \t\n two \nthree") == ["one", " two ", "three"])
        #expect(try prompts("one\r\n\r\ntwo\r\n") == ["one", "two"])
        #expect(try prompts("{\"text\": \"not JSON here\"}\n") == ["{\"text\": \"not JSON here\"}"])
    }

    @Test func everyJSONLineHasAText() throws {
        let text = #"""
            {"text": "one\ntwo", "id": 3}

            {"id": 4, "text": "dr\u0065i 🙂"}
            {"text": ""}
            {"tokens": [0, 5, 7], "label": null}
            """#
        #expect(try prompts(text, jsonl: true) == ["one\ntwo", "drei 🙂", "[0, 5, 7]"])
        #expect(
            try prompts(text, jsonl: true, prependBOS: false)
                == ["without BOS: one\ntwo", "without BOS: drei 🙂", "[0, 5, 7]"])
    }

    @Test(arguments: [
        #"{"txt": "x"}"#, #"{"text": 3}"#, "[1]", "{", "text", #"{"text": "x", "tokens": [1]}"#, #"{"tokens": []}"#,
        #"{"tokens": [1.5]}"#, #"{"tokens": [4294967296]}"#,
    ])
    func aLineThatIsNoSuchObjectIsNamed(line: String) {
        #expect {
            try prompts("{\"text\": \"good\"}\n" + line, jsonl: true)
        } throws: { error in
            let error = error as? LensError
            return error?.code == .invalidArgument && error?.message.hasPrefix("line 2 of '") == true
        }
    }

    @Test func aCorpusWithoutPromptsIsRefused() {
        #expect(throws: LensError.self) { try prompts("\n \n") }
        #expect(throws: LensError.self) { try prompts("", jsonl: true) }
    }

    @Test func batchesAreBoundedAndLoseNothing() throws {
        let lines = (0..<100).map { String(repeating: "x", count: $0 * 7 % 90 + 1) }
        try withCorpus(lines.joined(separator: "\n")) { corpus in
            // From the beginning twice: a sweep looks through the file before it computes.
            for _ in 0..<2 {
                var batches: [[String]] = []
                while case let batch = try corpus.nextBatch(largestCount: 8, largestBytes: 200), !batch.isEmpty {
                    batches.append(batch.map(Self.text(of:)))
                }
                #expect(batches.flatMap { $0 } == lines)
                #expect(batches.allSatisfy { $0.count <= 8 })
                #expect(batches.allSatisfy { $0.count == 1 || $0.joined().utf8.count <= 200 })
                try corpus.rewind()
            }
        }
    }

    @Test(arguments: [1, 65_535, 65_536, 65_537, 200_000])
    func linesAreWholeWhereverThePiecesOfAFileEnd(length: Int) throws {
        let lines = [String(repeating: "a", count: length), "b", String(repeating: "ü", count: length), "c"]
        #expect(try prompts(lines.joined(separator: "\n")) == lines)
        #expect(try prompts(lines.joined(separator: "\r\n") + "\r\n") == lines)
    }

    @Test func whatIsNoTextAndWhatIsNoFileIsNamed() throws {
        let file = FileManager.default.temporaryDirectory.appending(path: "bytes-\(UInt64.random(in: 0...UInt64.max))")
        try Data([UInt8(ascii: "a"), UInt8(ascii: "\n"), 0xff]).write(to: file)
        defer { try? FileManager.default.removeItem(at: file) }
        let message = #expect(throws: LensError.self) { try Corpus(at: file.path, prependBOS: true).check() }?.message
        #expect(message?.contains("line 2") == true)
        #expect(throws: LensError.self) { try Corpus(at: "/", prependBOS: true).check() }
        #expect(throws: LensError.self) { try Corpus(at: file.path + "-absent", prependBOS: true) }
        // A line without an end is not read for ever.
        #expect(throws: LensError.self) { try Corpus(at: "/dev/zero", prependBOS: true).check() }
    }
}
