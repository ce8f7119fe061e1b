import LensCheckpoint
import LensCore
import LensTokenizer
import Testing

/// What a `tokenizer.json` may say, and what is refused by name.
struct TokenizerFileTests {
    @Test func mergesInBothForms() throws {
        let pairs = try tokenizer()
        let strings = try tokenizer(["merges": ##"["#version: 0.2","h e","l l","he ll"]"##])
        #expect(pairs.encode("hello") == [7, 3])
        #expect(strings.encode("hello") == [7, 3])
        #expect(try pairs.decode([7, 3]) == "hello")
    }

    @Test func bytesOutsideTheVocabularyVanishOrAreUnknown() throws {
        #expect(try tokenizer().encode("hexxo") == [5, 3])
        #expect(try tokenizer(["unk_token": #""<u>""#]).encode("hexxo") == [5, 4, 4, 3])
        #expect(try tokenizer(["unk_token": #""<u>""#, "fuse_unk": "true"]).encode("hexxoé") == [5, 4, 3, 4])
    }

    @Test func wholeWordsAreTokensWhereMergesAreIgnored() throws {
        let vocabulary = #"{"h":0,"e":1,"l":2,"o":3,"he":4,"hello":5}"#
        let merges = #"[["h","e"]]"#
        #expect(try tokenizer(["vocab": vocabulary, "merges": merges]).encode("hello") == [4, 2, 2, 3])
        let ignoring = try tokenizer(["vocab": vocabulary, "merges": merges, "ignore_merges": "true"])
        #expect(ignoring.encode("hello") == [5])
        #expect(ignoring.encode("hell") == [4, 2, 2])
    }

    @Test(arguments: [
        ("dropout", "0.1", "tokenizer.json: dropout 0.1 is not supported; expected none"),
        (
            "byte_fallback", "true",
            "byte_fallback true is not supported with the pre_tokenizer ByteLevel; expected false"
        ),
        ("continuing_subword_prefix", "\"##\"", "continuing_subword_prefix '##' is not supported; expected none"),
        ("end_of_word_suffix", #""</w>""#, "end_of_word_suffix '</w>' is not supported; expected none"),
        ("type", #""Unigram""#, "tokenizer.json: model 'Unigram' is not supported; supported is BPE"),
    ])
    func namesModelsThatAreNotSupported(key: String, value: String, says: String) throws {
        let error = #expect(throws: LensError.self) { try tokenizer([key: value]) }
        #expect(error?.code == .unimplemented)
        #expect(error?.message.contains(says) == true, "\(error?.message ?? "")")
    }

    @Test(arguments: [
        (
            "normalizer", #"{"type":"BertNormalizer"}"#,
            "tokenizer.json: normalizer 'BertNormalizer' is not supported; supported are NFC, NFD, NFKC, NFKD, Prepend"
        ),
        (
            "normalizer", #"{"type":"Replace","pattern":{"Regex":" {2,}"},"content":" "}"#,
            "normalizer Replace has an unknown regular expression:  {2,}"
        ),
        (
            "pre_tokenizer", #"{"type":"Whitespace"}"#,
            "pre_tokenizer 'Whitespace' is not supported; supported are ByteLevel, Digits, Metaspace, Punctuation"
        ),
        (
            "pre_tokenizer", #"{"type":"Split","pattern":{"Regex":"\\d+|x"},"behavior":"Isolated","invert":false}"#,
            #"pre_tokenizer Split has an unknown regular expression: \d+|x"#
        ),
        (
            "pre_tokenizer", #"{"type":"Split","pattern":{"String":" "},"behavior":"Shaken","invert":false}"#,
            "Split's behavior 'Shaken' is not supported; expected Removed, Isolated, MergedWithPrevious"
        ),
        (
            "pre_tokenizer",
            #"{"type":"Sequence","pretokenizers":[{"type":"Sequence","pretokenizers":[{"type":"X"}]}]}"#,
            "pre_tokenizer 'X' is not supported"
        ),
        (
            "decoder", #"{"type":"WordPiece"}"#,
            "decoder 'WordPiece' is not supported; supported are ByteFallback, ByteLevel"
        ),
        (
            "decoder", #"{"type":"Sequence","decoders":[{"type":"Fuse"},{"type":"ByteFallback"}]}"#,
            "decoder 'ByteFallback' is not supported behind what joins tokens"
        ),
        (
            "decoder",
            #"{"type":"Sequence","decoders":[{"type":"Fuse"},{"type":"Strip","content":" ","start":0,"stop":1}]}"#,
            "Strip's stop 1 behind Fuse is not supported; expected 0"
        ),
        (
            "post_processor", #"{"type":"Martian"}"#,
            "post_processor 'Martian' is not supported; supported are BertProcessing, ByteLevel"
        ),
    ])
    func namesComponentsThatAreNotSupported(key: String, value: String, says: String) throws {
        let error = #expect(throws: LensError.self) { try tokenizer(components: [key: value]) }
        #expect(error?.code == .unimplemented)
        #expect(error?.message.contains(says) == true, "\(error?.message ?? "")")
    }

    @Test(arguments: [
        ("vocab", #"{"h":0,"e":0}"#, "vocab has the id 0 twice, the second time for 'e'"),
        ("vocab", #"{"h":0,"h":1}"#, "vocab has the token 'h' twice"),
        ("vocab", #"{"h":-1}"#, "h must be in 0...1048575; received -1"),
        ("vocab", #"{"h":1048576}"#, "h must be in 0...1048575"),
        ("vocab", #"[["h",-1.5]]"#, "vocab must be an object; found an array"),
        ("merges", #"["h e x"]"#, "merges must hold pairs; merge 0 has 3 parts"),
        ("merges", #"[["h","e"],["h"]]"#, "merges must hold pairs; merge 1 has 1 parts"),
        ("merges", #"[["h","x"]]"#, "merges names 'x', which is not in the vocabulary (merge 0)"),
        ("merges", #"[["e","h"]]"#, "merges names 'eh', which is not in the vocabulary (merge 0)"),
        ("merges", "null", "merges must not be null"),
        ("unk_token", #""<none>""#, "unk_token '<none>' is not in the vocabulary"),
    ])
    func namesWhatIsWrongInTheModel(key: String, value: String, says: String) throws {
        let error = #expect(throws: LensError.self) { try tokenizer([key: value]) }
        #expect(error?.code == .invalidArgument)
        #expect(error?.message.contains(says) == true, "\(error?.message ?? "")")
    }

    @Test(arguments: [
        (#"[{"id":9,"content":"<x>"}]"#, "added_tokens gives '<x>' the id 9, but the tokenizers library gives it 8"),
        (#"[{"id":8,"content":"h"}]"#, "added_tokens gives 'h' the id 8, but the tokenizers library gives it 0"),
        (#"[{"content":"h"}]"#, "lacks the key 'id'"),
        (#"[{"id":8}]"#, "lacks the key 'content'"),
    ])
    func namesWhatIsWrongInAddedTokens(value: String, says: String) throws {
        let error = #expect(throws: LensError.self) { try tokenizer(components: ["added_tokens": value]) }
        #expect(error?.code == .invalidArgument)
        #expect(error?.message.contains(says) == true, "\(error?.message ?? "")")
    }

    @Test func beginningOfSequence() throws {
        func bos(_ settings: String) throws -> Int32? {
            try Tokenizer(
                reading: file([:], [:]),
                settings: NamedBytes(name: "tokenizer_config.json", bytes: Array(settings.utf8))
            ).bosTokenID
        }
        #expect(try bos(#"{"bos_token":"<u>"}"#) == 4)
        #expect(try bos(#"{"bos_token":{"__type":"AddedToken","content":"<u>"}}"#) == 4)
        #expect(try bos(#"{"bos_token":null,"eos_token":"<u>"}"#) == 4)
        #expect(try bos("{}") == nil)
        #expect(
            throws: LensError.invalidArgument("tokenizer_config.json: bos_token '<s>' is not a token of the tokenizer")
        ) { try bos(#"{"bos_token":"<s>"}"#) }
    }

    // MARK: Support

    private func tokenizer(
        _ model: [String: String] = [:], components: [String: String] = [:]
    ) throws -> Tokenizer {
        try Tokenizer(reading: file(model, components))
    }

    /// A tokenizer of four letters with parts replaced.
    private func file(_ model: [String: String], _ components: [String: String]) -> NamedBytes {
        let fields = [
            "type": #""BPE""#, "vocab": #"{"h":0,"e":1,"l":2,"o":3,"<u>":4,"he":5,"ll":6,"hell":7}"#,
            "merges": #"[["h","e"],["l","l"],["he","ll"]]"#,
        ].merging(model) { $1 }
        let parts = [
            "model": object(fields), "pre_tokenizer": #"{"type":"ByteLevel","add_prefix_space":false}"#,
            "decoder": #"{"type":"ByteLevel"}"#, "normalizer": "null", "added_tokens": "[]",
        ].merging(components) { $1 }
        return NamedBytes(name: "tokenizer.json", bytes: Array(object(parts).utf8))
    }

    private func object(_ fields: [String: String]) -> String {
        "{" + fields.map { "\"\($0)\":\($1)" }.joined(separator: ",") + "}"
    }
}
