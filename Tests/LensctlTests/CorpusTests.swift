import LensCore
import Testing
import lensctl

@Suite struct CorpusTests {
    private func prompts(_ text: String, jsonl: Bool = false) throws -> [String] {
        try Corpus(text: text, isJSONLines: jsonl, name: "corpus").prompts.map(Self.text(of:))
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
        let bare = try Corpus(text: text, isJSONLines: true, prependBOS: false, name: "corpus")
        #expect(bare.prompts.map(Self.text(of:)) == ["without BOS: one\ntwo", "without BOS: drei 🙂", "[0, 5, 7]"])
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
            return error?.code == .invalidArgument && error?.message.contains("line 2 of 'corpus'") == true
        }
    }

    @Test func aCorpusWithoutPromptsIsRefused() {
        #expect(throws: LensError.self) { try prompts("\n \n") }
        #expect(throws: LensError.self) { try prompts("", jsonl: true) }
    }

    @Test func batchesAreBoundedAndLoseNothing() throws {
        let lines = (0..<100).map { String(repeating: "x", count: $0 * 7 % 90 + 1) }
        let corpus = try Corpus(text: lines.joined(separator: "\n"), isJSONLines: false, name: "corpus")
        let batches = corpus.batches(largestCount: 8, largestBytes: 200)
        #expect(batches.flatMap { $0 }.map(Self.text(of:)) == lines)
        #expect(batches.allSatisfy { $0.count <= 8 && !$0.isEmpty })
        #expect(batches.allSatisfy { $0.count == 1 || $0.map(Self.text(of:)).joined().utf8.count <= 200 })
    }
}
