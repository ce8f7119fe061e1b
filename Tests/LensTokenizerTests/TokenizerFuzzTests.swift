import Glibc
import LensCheckpoint
import LensCore
import LensTestSupport
import LensTokenizer
import Testing

/// Tokenizers of families and of many settings on random strings and ids, encoded and decoded by the `tokenizers` library
/// (`Fixtures/tokenizer_fuzz.py`, whose long run is `make fuzz-tokenizers`).
struct TokenizerFuzzTests {
    private struct Block {
        let name: String
        let tokenizer: Tokenizer
        let special: [(text: String, ids: [Int32])]
        /// A case without a text is one of decoding.
        let cases: [(text: String?, ids: [Int32], decoded: String)]
    }

    private static func blocks() throws -> [Block] {
        var blocks: [Block] = []
        try Fixtures.json("tokenizer/fuzz.json").forEachElement { value throws(LensError) in
            let fields = try value.object()
            let name = try fields.required("name").string()
            let tokenizer = try Tokenizer(
                reading: NamedBytes(name: name, bytes: try fields.required("tokenizer").utf8()))
            var special: [(text: String, ids: [Int32])] = []
            try fields.required("special").forEachMember { text, ids throws(LensError) in
                special.append((text, try integers(ids)))
            }
            var cases: [(text: String?, ids: [Int32], decoded: String)] = []
            try fields.required("cases").forEachElement { value throws(LensError) in
                let fields = try value.object()
                let text = try fields.optional("text").map { value throws(LensError) in try value.string() }
                let decoded = try fields.optional("decoded").map { value throws(LensError) in try value.string() }
                cases.append((text, try integers(fields.required("ids")), decoded ?? text ?? ""))
            }
            blocks.append(Block(name: name, tokenizer: tokenizer, special: special, cases: cases))
        }
        return blocks
    }

    private static func integers(_ value: JSONValue) throws(LensError) -> [Int32] {
        var result: [Int32] = []
        try value.forEachElement { element throws(LensError) in
            result.append(Int32(try element.integer(in: 0...1 << 30)))
        }
        return result
    }

    @Test func encodesAndDecodesLikeTheLibrary() throws {
        var count = 0
        for block in try Self.blocks() {
            var isEqual = true
            for (text, ids, decoded) in block.cases {
                if let text {
                    let found = block.tokenizer.encode(text)
                    #expect(found == ids, "\(block.name): \(text.debugDescription)")
                    isEqual = isEqual && found == ids
                }
                let found = try block.tokenizer.decode(ids)
                // Not by ==, which takes canonically equivalent texts for equal.
                #expect(Array(found.utf8) == Array(decoded.utf8), "\(block.name): \(ids)")
                isEqual = isEqual && Array(found.utf8) == Array(decoded.utf8)
                count += 1
            }
            try FamilyResults.record(tokenizer: block.name, isEqual: isEqual, count: block.cases.count)
        }
        #expect(count >= 3500)
    }

    /// As they come, tokens give the text that they have all at once, cut into two runs anywhere too.
    @Test func streamsAreTheWhole() throws {
        for block in try Self.blocks() {
            for (_, ids, decoded) in block.cases {
                var stream = block.tokenizer.stream(continuing: false)
                var bytes: [UInt8] = []
                var certain: [Int] = []
                for id in ids {
                    bytes += try stream.append(id)
                    certain.append(bytes.count)
                }
                let whole = bytes + stream.finish()
                #expect(
                    String(decoding: whole, as: UTF8.self).utf8.elementsEqual(decoded.utf8), "\(block.name): \(ids)")
                guard ids.count > 2 else { continue }
                // Where nothing is held back and text stands before, the rest goes on from there.
                let cut = ids.count / 2
                var rest = block.tokenizer.stream(continuing: true)
                var behind: [UInt8] = []
                for id in ids[cut...] { behind += try rest.append(id) }
                behind += rest.finish()
                let before = try block.tokenizer.decode(Array(ids[..<cut]))
                guard before.utf8.elementsEqual(whole[..<certain[cut - 1]]), !before.isEmpty else { continue }
                #expect(Array(before.utf8) + behind == whole, "\(block.name): \(ids)")
            }
        }
    }

    /// As HookedTransformer.to_tokens has it (`Fixtures/tokenizer_bos.py`).
    @Test func prependingBOSIsTransformerLenss() throws {
        var files: [String: NamedBytes] = [:]
        try Fixtures.json("tokenizer/fuzz.json").forEachElement { value throws(LensError) in
            let fields = try value.object()
            let name = try fields.required("name").string()
            files[name] = NamedBytes(name: name, bytes: try fields.required("tokenizer").utf8())
        }
        var count = 0
        try Fixtures.json("tokenizer/prepend_bos.json").forEachElement { value throws(LensError) in
            let fields = try value.object()
            let name = try fields.required("family").string()
            guard let file = files[name] else {
                Issue.record("no tokenizer \(name)")
                return
            }
            let settings = NamedBytes(name: "tokenizer_config.json", bytes: try fields.required("settings").utf8())
            let tokenizer = try Tokenizer(reading: file, settings: settings)
            let text = try fields.required("text").string()
            let with = try Self.integers(fields.required("with"))
            let without = try Self.integers(fields.required("without"))
            #expect(tokenizer.encode(text, prependingBOS: true) == with, "\(name): \(text)")
            #expect(tokenizer.encode(text, prependingBOS: false) == without, "\(name): \(text)")
            count += 1
        }
        #expect(count == 50)
    }

    @Test func specialTokensStandAroundATextOnce() throws {
        var adding = 0
        for block in try Self.blocks() {
            for (text, ids) in block.special {
                let alone = block.tokenizer.encode(text)
                // Without settings there is no BOS but the post-processor's.
                #expect(block.tokenizer.encode(text, prependingBOS: true) == ids, "\(block.name)")
                if ids.count <= alone.count + 1, ids.suffix(alone.count) == alone[...] {
                    #expect(block.tokenizer.encode(text, prependingBOS: false).starts(with: alone), "\(block.name)")
                }
                if ids != alone { adding += 1 }
            }
        }
        #expect(adding >= 20)
    }
}
