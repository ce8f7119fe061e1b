import LensCore

/// A byte-level tokenizer in the older form, `vocab.json` and `merges.txt`, whose other parts the tokenizer's class in
/// `tokenizer_config.json` stands for: written as the `tokenizer.json` that transformers makes of it.
struct VocabularyFiles {
    /// The classes that are known, as they are called without `Fast`, and what they have before and beside the merges.
    private static let classes: [String: (normalizer: String, preTokenizer: String)] = [
        "GPT2Tokenizer": ("null", byteLevel),
        "CodeGenTokenizer": ("null", byteLevel),
        "GPTNeoXTokenizer": (#"{"type":"NFC"}"#, byteLevel),
        "Qwen2Tokenizer": (
            #"{"type":"NFC"}"#,
            #"{"type":"Sequence","pretokenizers":[{"type":"Split","pattern":{"Regex":"\#(qwen2)"},"behavior":"Isolated","#
                + #""invert":false},{"type":"ByteLevel","add_prefix_space":false,"use_regex":false}]}"#
        ),
    ]
    private static let byteLevel = #"{"type":"ByteLevel","add_prefix_space":false}"#
    private static let qwen2 =
        #"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+"#
        + #"|\\s+(?!\\S)|\\s+"#

    let vocabulary: NamedBytes
    let merges: NamedBytes
    let settings: NamedBytes?

    /// - Throws: `UNIMPLEMENTED` naming a class that is not known, `INVALID_ARGUMENT` for what is no JSON.
    func tokenizer() throws(LensError) -> NamedBytes {
        let settings = try settings?.object()
        let ids = try vocabulary.object()
        var name = "GPT2Tokenizer"
        if let value = settings?.optional("tokenizer_class") {
            name = try value.string()
            if name.hasSuffix("Fast") { name.removeLast(4) }
            guard Self.classes[name] != nil else {
                let known = Self.classes.keys.sorted().joined(separator: ", ")
                throw value.error(
                    "'\(try value.excerpt())' is not supported with vocab.json and merges.txt; supported are \(known), "
                        + "others as tokenizer.json",
                    code: .unimplemented)
            }
        }
        guard let parts = Self.classes[name] else { throw .unimplemented("tokenizer class \(name)") }
        if let prefix = settings?.optional("add_prefix_space"), try prefix.bool() {
            throw prefix.error("true is not supported with vocab.json; expected false", code: .unimplemented)
        }
        var text = Array(#"{"normalizer":\#(parts.normalizer),"pre_tokenizer":\#(parts.preTokenizer),"#.utf8)
        text += Array(#""decoder":{"type":"ByteLevel"},"added_tokens":["#.utf8)
        text += try Self.addedTokens(settings, ids).joined(separator: ",").utf8
        text += Array(#"],"model":{"type":"BPE","merges":["#.utf8)
        var isFirst = true
        for line in merges.bytes.split(whereSeparator: { $0 == UInt8(ascii: "\n") || $0 == UInt8(ascii: "\r") }) {
            guard !line.starts(with: "#version".utf8) else { continue }
            if !isFirst { text.append(UInt8(ascii: ",")) }
            isFirst = false
            text += Self.quoted(line)
        }
        text += Array(#"],"vocab":"#.utf8)
        text += vocabulary.bytes
        text += Array("}}".utf8)
        return NamedBytes(name: "vocab.json with merges.txt", bytes: text)
    }

    /// The entries of `added_tokens`: those of the settings' `added_tokens_decoder`, or the special tokens they name.
    private static func addedTokens(_ settings: JSONObject?, _ ids: JSONObject) throws(LensError) -> [String] {
        var entries: [(id: Int, text: String)] = []
        func add(_ content: JSONValue, id: Int, flags: JSONObject?) throws(LensError) {
            var text = #"{"id":\#(id),"content":\#(String(decoding: quoted(try content.utf8()[...]), as: UTF8.self))"#
            for flag in ["single_word", "lstrip", "rstrip", "normalized", "special"] {
                let isSet = try flags?.optional(flag)?.bool() ?? false
                text += #","\#(flag)":\#(isSet)"#
            }
            entries.append((id, text + "}"))
        }
        if let known = settings?.optional("added_tokens_decoder") {
            try known.forEachMember { id, token throws(LensError) in
                guard let id = Int(id) else { throw known.error("must have ids as keys; found '\(id)'") }
                let fields = try token.object()
                try add(fields.required("content"), id: id, flags: fields)
            }
            return entries.sorted { $0.id < $1.id }.map(\.text)
        }
        var seen: Set<Int> = []
        for key in ["bos_token", "eos_token", "unk_token", "pad_token"] {
            guard let value = settings?.optional(key) else { continue }
            let content = value.kind == .object ? try value.object().required("content") : value
            guard let member = ids.optional(try content.string()) else {
                throw value.error("'\(try content.excerpt())' is not in vocab.json; expected a tokenizer.json")
            }
            let id = try member.integer(in: 0...Int(Int32.max))
            guard seen.insert(id).inserted else { continue }
            try add(content, id: id, flags: value.kind == .object ? try value.object() : nil)
        }
        if entries.isEmpty, let end = ids.optional("<|endoftext|>") {
            let id = try end.integer(in: 0...Int(Int32.max))
            entries.append((id, #"{"id":\#(id),"content":"<|endoftext|>","normalized":false,"special":true}"#))
        }
        return entries.sorted { $0.id < $1.id }.map(\.text)
    }

    /// A JSON string.
    private static func quoted(_ text: ArraySlice<UInt8>) -> [UInt8] {
        var quoted: [UInt8] = [UInt8(ascii: "\"")]
        for byte in text {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"): quoted += [UInt8(ascii: "\\"), byte]
            case ..<0x20:
                let digits = Array("0123456789abcdef".utf8)
                quoted += Array("\\u00".utf8) + [digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            default: quoted.append(byte)
            }
        }
        return quoted + [UInt8(ascii: "\"")]
    }
}
