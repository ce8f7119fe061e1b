import LensCheckpoint
import LensCore
import LensTestSupport
import LensTokenizer
import Testing

/// Files made to hurt: each is refused by name, at once, or read and does no harm.
struct HostileTokenizerTests {
    private static let model = #""model":{"type":"BPE","vocab":{"a":0,"b":1,"ab":2},"merges":[["a","b"]]}"#
    private static let decoder = #""decoder":{"type":"ByteLevel"}"#

    private static func replace(_ pattern: String, _ content: String) -> String {
        #"{"type":"Replace","pattern":{"String":"\#(pattern)"},"content":"\#(content)"}"#
    }

    private static func nested(_ depth: Int) -> String {
        String(repeating: #"{"type":"Sequence","normalizers":["#, count: depth) + String(repeating: "]}", count: depth)
    }

    private static func added(_ count: Int, _ content: (Int) -> String) -> String {
        let tokens = (0..<count).map { #"{"id":\#($0 + 3),"content":"\#(content($0))","normalized":true}"# }
        return #""added_tokens":[\#(tokens.joined(separator: ","))]"#
    }

    static let refused: [(file: String, says: String)] = [
        ("", "is not JSON"),
        ("{", "is not JSON"),
        ("[]", "must be an object"),
        ("{}", "lacks the key 'decoder'"),
        ("{\(decoder)}", "lacks the key 'model'"),
        (#"{\#(decoder),"model":[]}"#, "model must be an object"),
        (#"{\#(decoder),"model":{"vocab":{},"merges":{}}}"#, "merges must be an array"),
        (#"{\#(decoder),"model":{"vocab":{"a":1e3},"merges":[]}}"#, "a must be an integer"),
        (#"{\#(decoder),"model":{"vocab":{"a":99999999999999999999},"merges":[]}}"#, "must be an integer of 64 bits"),
        (#"{\#(decoder),"model":{"vocab":{"a":1048576},"merges":[]}}"#, "a must be in 0...1048575"),
        (
            #"{\#(decoder),"model":{"vocab":{"a":0},"merges":[["a","a"]]}}"#,
            "names 'aa', which is not in the vocabulary"
        ),
        (#"{\#(decoder),"model":{"vocab":{"a":0},"merges":[[["a"],"a"]]}}"#, "must be a string"),
        (#"{\#(decoder),"model":{"vocab":{"a":0},"merges":[],"unk_token":7}}"#, "unk_token must be a string"),
        (#"{\#(decoder),"model":{"vocab":{"a":0},"merges":[],"fuse_unk":"yes"}}"#, "fuse_unk must be a boolean"),
        (#"{\#(decoder),\#(model),"normalizer":\#(nested(70))}"#, "nested deeper than 64"),
        (#"{\#(decoder),\#(model),"normalizer":7}"#, "normalizer must be an object"),
        (
            #"{\#(decoder),\#(model),"normalizer":{"type":"Sequence","normalizers":[\#((0..<65).map { _ in #"{"type":"NFC"}"# }.joined(separator: ","))]}}"#,
            "has more than 64 parts"
        ),
        (
            #"{\#(decoder),\#(model),"normalizer":{"type":"Sequence","normalizers":[\#(replace("a", "aaaaaaaa")),\#(replace("a", "aaaaaaaa")),\#(replace("a", "aa"))]}}"#,
            "may make a text more than 64 times as long"
        ),
        (
            #"{\#(decoder),\#(model),"normalizer":\#(replace("a", String(repeating: "x", count: 65)))}"#,
            "at most 64 bytes"
        ),
        (#"{\#(decoder),\#(model),"normalizer":\#(replace("", "x"))}"#, "must not be empty"),
        (
            #"{\#(decoder),\#(model),"normalizer":{"type":"Sequence","normalizers":[{"type":"NFKC"},{"type":"NFKD"}]}}"#,
            "may make a text more than 64 times as long"
        ),
        (#"{\#(decoder),"model":{"vocab":{"a":900000},"merges":[]}}"#, "expected fewer gaps between them"),
        (
            #"{\#(decoder),\#(model),"pre_tokenizer":{"type":"Sequence","pretokenizers":[{"type":"ByteLevel"},{"type":"ByteLevel"}]}}"#,
            "has ByteLevel more than once"
        ),
        (#"{\#(decoder),\#(model),"normalizer":{"type":"Prepend"}}"#, "lacks the key 'prepend'"),
        (
            #"{\#(decoder),\#(model),"pre_tokenizer":{"type":"Split","pattern":{"String":"x"}}}"#,
            "lacks the key 'behavior'"
        ),
        (#"{\#(decoder),\#(model),"pre_tokenizer":{"type":"Metaspace","replacement":"ab"}}"#, "must be one character"),
        (
            #"{\#(decoder),\#(model),"pre_tokenizer":{"type":"Metaspace","replacement":"_","add_prefix_space":false}}"#,
            "does not go with prepend_scheme 'always'"
        ),
        (
            #"{\#(decoder),\#(model),"post_processor":{"type":"TemplateProcessing","single":[],"special_tokens":{}}}"#,
            "without a sequence is not supported"
        ),
        (
            #"{\#(decoder),\#(model),"post_processor":{"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"<s>"}}],"special_tokens":{}}}"#,
            "lacks the key '<s>'"
        ),
        (
            #"{\#(decoder),\#(model),"post_processor":{"type":"BertProcessing","cls":["<s>",9],"sep":["<s>",9]}}"#,
            "must be in 0...2"
        ),
        (#"{"decoder":{"type":"Strip","content":" ","start":-1,"stop":0},\#(model)}"#, "start must be in 0..."),
        (
            #"{"decoder":{"type":"Sequence","decoders":[\#(replace("a", "aaaaaaaaaa")),\#(replace("a", "aaaaaaaa"))]},\#(model)}"#,
            "may make a token more than 64 times as long"
        ),
        (#"{\#(decoder),\#(model),"added_tokens":{}}"#, "added_tokens must be an array"),
        (#"{\#(decoder),\#(model),"added_tokens":[{"id":7,"content":"<x>"}]}"#, "the tokenizers library gives it 3"),
        (
            #"{\#(decoder),\#(model),"added_tokens":[{"id":3,"content":"\#(String(repeating: "x", count: 1025))"}]}"#,
            "may have at most 1048576 bytes, each 1024"
        ),
        (
            #"{\#(decoder),\#(model),"normalizer":{"type":"NFC"},\#(added(2) { $0 == 0 ? "é" : "e\u{301}" })}"#,
            "twice once it is normalised"
        ),
        (
            #"{\#(decoder),\#(model),"normalizer":{"type":"Strip","strip_left":true,"strip_right":true},\#(added(1) { _ in " " })}"#,
            "of which normalising leaves nothing"
        ),
    ]

    @Test(arguments: refused.indices)
    func isRefusedByName(index: Int) throws {
        let (file, says) = Self.refused[index]
        let start = ContinuousClock.now
        let error = #expect(throws: LensError.self) {
            try Tokenizer(reading: NamedBytes(name: "tokenizer.json", bytes: Array(file.utf8)))
        }
        #expect(ContinuousClock.now - start < .seconds(1))
        #expect(error?.code == .invalidArgument || error?.code == .unimplemented)
        #expect(error?.message.contains("tokenizer.json") == true)
        #expect(error?.message.contains(says) == true, "\(error?.message ?? "")")
    }

    /// Hundreds of thousands of the same or of bad entries: an answer within a second.
    @Test func largeFilesAreAnsweredAtOnce() throws {
        let same = "[" + Array(repeating: #"["a","b"]"#, count: 300_000).joined(separator: ",") + "]"
        let many = (0..<200_000).map { #""t\#($0)":\#($0 + 3)"# }.joined(separator: ",")
        let files = [
            #"{\#(Self.decoder),"model":{"vocab":{"a":0,"b":1,"ab":2},"merges":\#(same)}}"#,
            #"{\#(Self.decoder),"model":{"vocab":{"a":0,\#(many),"a":1},"merges":[]}}"#,
            #"{\#(Self.decoder),\#(Self.model),\#(Self.added(20_000) { "<\($0)>" })}"#,
        ]
        for file in files {
            let start = ContinuousClock.now
            _ = try? Tokenizer(reading: NamedBytes(name: "tokenizer.json", bytes: Array(file.utf8)))
            #expect(ContinuousClock.now - start < .seconds(2))
        }
    }

    /// An added token that is white space itself and takes the white space around it: each character is walked over once
    /// or twice, however long the run is.
    @Test(arguments: ["lstrip", "rstrip"])
    func whiteSpaceIsWalkedOverOnce(flag: String) throws {
        let token = #"{"id":3,"content":" ","\#(flag)":true,"normalized":false}"#
        let file = #"{\#(Self.decoder),\#(Self.model),"added_tokens":[\#(token)]}"#
        let tokenizer = try Tokenizer(reading: NamedBytes(name: "tokenizer.json", bytes: Array(file.utf8)))
        let count = 300_000
        let start = ContinuousClock.now
        let tokens = tokenizer.encode("a" + String(repeating: " ", count: count) + "b")
        #expect(ContinuousClock.now - start < .seconds(1))
        #expect(tokens == [0] + Array(repeating: 3, count: count) + [1])
        // As the tokenizers library has it.
        #expect(tokenizer.encode(" \t a \n b") == [3, 3, 0, 3, 3, 1])
        #expect(tokenizer.encode("  \t ab \t a") == [3, 3, 3, 2, 3, 3, 0])
    }

    /// Whatever is cut out of a real file, put in twice or changed: an answer, never a trap.
    @Test func damagedFilesDoNoHarm() throws {
        var state: UInt64 = 17
        func next(_ limit: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33) % max(limit, 1)
        }
        var sources: [[UInt8]] = []
        try Fixtures.json("tokenizer/fuzz.json").forEachElement { value throws(LensError) in
            sources.append(try value.object().required("tokenizer").utf8())
        }
        var read = 0
        for round in 0..<1200 {
            var bytes = sources[round % sources.count]
            // Most of a file is vocabulary; its beginning, which has the components, is hit more often.
            let reach = next(3) == 0 ? bytes.count : min(bytes.count, 2500)
            for _ in 0...next(3) {
                let start = next(reach)
                let end = min(start + next(40), bytes.count)
                switch next(4) {
                case 0: bytes.removeSubrange(min(start, bytes.count)..<min(end, bytes.count))
                case 1 where end <= bytes.count: bytes.insert(contentsOf: bytes[min(start, end)..<end], at: end)
                case 2 where start < bytes.count: bytes[start] = UInt8(next(256))
                default: if start < bytes.count { bytes[start] = Array("0123456789{}[]\",:tfn".utf8)[next(20)] }
                }
            }
            guard let tokenizer = try? Tokenizer(reading: NamedBytes(name: "tokenizer.json", bytes: bytes)) else {
                continue
            }
            read += 1
            let ids = tokenizer.encode("Tom didn't see <s> the\n\n  3 old é\u{0301} birds \u{4F60} \u{1F600}\u{2581}")
            _ = try? tokenizer.decode(ids)
        }
        #expect(read > 30)
    }
}
