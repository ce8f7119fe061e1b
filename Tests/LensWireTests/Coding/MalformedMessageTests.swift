import LensCore
import LensWire
import Testing

/// Bytes that are no message, and messages that say what cannot be.
@Suite struct MalformedMessageTests {
    private func refusal<Value>(_ coding: Coding<Value>, _ bytes: [UInt8]) -> LensError? {
        do {
            _ = try coding.decode(bytes)
            return nil
        } catch {
            return error
        }
    }

    /// A field with a length in front of it.
    private func field(_ number: UInt8, _ bytes: [UInt8]) -> [UInt8] {
        [number << 3 | 2, UInt8(bytes.count)] + bytes
    }

    @Test(
        arguments: [
            [0xff],  // a tag without its end
            [0x0a, 0x05, 1],  // shorter than its length
            [0x0a],  // a length is missing
            [0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1],  // a number of 11 bytes
            [0x0b, 0x0c],  // groups
            [0x1a, 0x02, 0x0a, 0x09],  // nested: shorter than its length
            [0x1d, 1, 2],  // a 32-bit field with two bytes
            [0x0d, 1, 2, 3, 4],  // the wrong type for field 1
        ] as [[UInt8]])
    func bytesThatDoNotParse(bytes: [UInt8]) {
        let error = refusal(UnaryMethod.run.request, bytes)
        #expect(error?.code == .invalidArgument)
        #expect(error?.message.contains("no valid lens.v1.RunRequest") == true)
    }

    @Test func textMustBeUTF8() {
        for bad in [[0xff], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80]] as [[UInt8]] {
            let prompt = field(1, field(1, bad))
            let error = refusal(UnaryMethod.run.request, field(3, prompt))
            #expect(error?.code == .invalidArgument)
            #expect(error?.message.contains("prompt.text must be UTF-8") == true)
        }
    }

    @Test func valuesOutOfRangeNameTheirField() {
        let cases: [(LensError?, String)] = [
            // Token id 2^31.
            (
                refusal(UnaryMethod.tokenize.request, field(2, field(2, field(1, [0x80, 0x80, 0x80, 0x80, 0x08])))),
                "prompt.tokens.ids[0]"
            ),
            // A prompt that is neither.
            (refusal(UnaryMethod.tokenize.request, field(2, [])), "a prompt is text or tokens"),
            // Actions: left out, unknown, negative.
            (refusal(UnaryMethod.run.request, field(4, field(1, [0x7a]))), "intervention.action"),
            (refusal(UnaryMethod.run.request, field(4, [0x10, 10])), "must be in 1...9; received 10"),
            // A value where the action takes none, and none where it takes one.
            (refusal(UnaryMethod.run.request, field(4, [0x10, 3])), "intervention.operand is missing"),
            (refusal(UnaryMethod.run.request, field(4, [0x10, 1, 0x68, 1])), "other_prompt means nothing to"),
            // A sweep along an axis, and with a metric, that there is not.
            (refusal(StreamingMethod.sweep.request, [0x4a, 1, 99]), "axis must be in 1...5; received 99"),
            (refusal(StreamingMethod.sweep.request, field(11, [])), "metric.kind must be in 1...6; received 0"),
            (
                refusal(StreamingMethod.sweep.request, field(11, [0x08, 3, 0x12, 5] + [255, 255, 255, 255, 15])),
                "metric"
            ),
            (refusal(StreamingMethod.sweep.request, field(8, field(1, [0x7a]))), "intervention.action"),
            // A query for nothing.
            (refusal(StreamingMethod.query.request, []), "source is a run or prompts"),
            // A slice of 17 entries, an entry of none, an index of 2^62.
            (
                refusal(
                    StreamingMethod.query.request,
                    field(1, [0x61]) + field(4, [[UInt8]](repeating: field(1, []), count: 17).flatMap { $0 })),
                "at most 16 entries"
            ),
            (refusal(StreamingMethod.query.request, field(1, [0x61]) + field(4, field(1, []))), "a slice's entry"),
            (
                refusal(
                    StreamingMethod.query.request,
                    field(1, [0x61])
                        + field(4, field(1, [8, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 1]))),
                "slice.index"
            ),
            // Keep everything and something.
            (refusal(UnaryMethod.run.request, [0x38, 1] + field(8, [0x7a])), "exclude each other"),
            // A model's name that cannot be.
            (refusal(UnaryMethod.run.request, field(1, Array("../x".utf8))), "a model's name"),
            (refusal(UnaryMethod.run.request, field(1, Array("m@cooked".utf8))), "NAME@raw"),
            // Deleting is never a default.
            (refusal(UnaryMethod.deleteSession.request, []), "missing"),
            (refusal(StreamingMethod.attentionPage.request, []), "prompt is missing"),
        ]
        for (error, part) in cases {
            #expect(error?.code == .invalidArgument)
            #expect(error?.message.contains(part) == true, "\(error?.message ?? "accepted") should say \(part)")
        }
    }

    /// Two bytes of an unknown field cost libprotobuf-c about 70; a megabyte of them must not get 36 MiB.
    @Test func aFloodOfUnknownFieldsIsRefused() {
        let flood = [[UInt8]](repeating: [0x78, 0], count: 500_000).flatMap { $0 }
        #expect(refusal(UnaryMethod.run.request, flood)?.message.contains("no valid") == true)
        let few = [[UInt8]](repeating: [0x78, 0], count: 1000).flatMap { $0 }
        #expect(refusal(UnaryMethod.run.request, few) == nil)
    }

    @Test func aFloodOfNestedMessagesIsRefused() {
        // field 3 (prompt), length 2: text, length 0.
        let flood = [[UInt8]](repeating: [0x1a, 2, 0x0a, 0], count: 250_000).flatMap { $0 }
        #expect(refusal(UnaryMethod.run.request, flood)?.message.contains("no valid") == true)
    }

    @Test func realRequestsStayWithinTheBudget() throws {
        // The densest that people send: a corpus of one-letter prompts, and a megabyte of token ids.
        let prompts = [Prompt](repeating: .text("a", prependBOS: true), count: 100_000)
        let letters = TokenizeRequest(model: ModelReference(name: nil), prompts: prompts)
        #expect(
            try UnaryMethod.tokenize.request.decode(try UnaryMethod.tokenize.request.encode(letters)).prompts == prompts
        )
        let ids = [Prompt.tokens([Int32](repeating: 1, count: 1_000_000))]
        let tokens = TokenizeRequest(model: ModelReference(name: nil), prompts: ids)
        #expect(try UnaryMethod.tokenize.request.decode(try UnaryMethod.tokenize.request.encode(tokens)).prompts == ids)
    }
}
