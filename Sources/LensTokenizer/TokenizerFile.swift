import LensCheckpoint
import LensCore

/// A `tokenizer.json` as the `tokenizers` library writes it, checked: a byte-level byte-pair encoding.
///
/// What another component would do to a text is never guessed: the error names it.
struct TokenizerFile {
    private(set) var vocabulary: [[UInt8]: Int32] = [:]
    private(set) var addedTokens: [AddedTokens.Token] = []
    let model: BytePairModel
    /// Whether every piece of text gets a space in front if it has none.
    let addsPrefixSpace: Bool
    /// Whether text is split into words before merging.
    let splitsWords: Bool

    private static let idLimit = 1 << 22
    private static let addedTokenLengthLimit = 1024
    private static let addedTokensLengthLimit = 1 << 20

    /// Reads a file. Its `truncation` and `padding` are settings of a caller and left aside; its post-processor adds
    /// only special tokens, and ids are without those here.
    ///
    /// - Throws: `UNIMPLEMENTED` naming a component that is not supported; `INVALID_ARGUMENT` for what is wrong in
    ///   itself.
    init(reading file: JSONFile) throws(LensError) {
        let keys = try file.object()
        if let normalizer = keys.optional("normalizer") { throw try Self.unsupported(normalizer, expected: "none") }
        let byteLevel = try Self.byteLevel(keys.required("pre_tokenizer"))
        addsPrefixSpace = try byteLevel.required("add_prefix_space").bool()
        splitsWords = try byteLevel.optional("use_regex")?.bool() ?? true
        _ = try Self.byteLevel(keys.required("decoder"))
        if let processor = keys.optional("post_processor") { try Self.checkPostProcessor(processor) }
        let fields = try Self.modelFields(keys.required("model"))
        vocabulary = try Self.vocabulary(fields.required("vocab"))
        model = try Self.model(fields, vocabulary)
        if let added = keys.optional("added_tokens") { try addTokens(added) }
    }

    /// The id of a token as it is spelled in the file.
    func id(of token: String) -> Int32? {
        let content = Array(token.utf8)
        return addedTokens.last { $0.content == content }?.id ?? vocabulary[content]
    }

    /// What every token stands for.
    var spellings: TokenSpellings {
        var spellings: [Int32: [UInt8]] = [:]
        for (spelling, id) in vocabulary { spellings[id] = ByteLevelAlphabet.bytes(of: spelling) }
        for token in addedTokens { spellings[token.id] = ByteLevelAlphabet.bytes(of: token.content) }
        return TokenSpellings(spellings)
    }

    // MARK: Components

    private static func type(_ component: JSONValue) throws(LensError) -> String {
        try component.object().required("type").string()
    }

    private static func unsupported(_ component: JSONValue, expected: String) throws(LensError) -> LensError {
        component.error(
            "'\(try component.object().required("type").excerpt())' is not supported; expected \(expected)",
            code: .unimplemented)
    }

    /// The fields of a component that is `ByteLevel`, by itself or alone in a sequence.
    private static func byteLevel(_ component: JSONValue) throws(LensError) -> JSONObject {
        let fields = try component.object()
        switch try fields.required("type").string() {
        case "ByteLevel": return fields
        case "Sequence":
            var parts: [JSONValue] = []
            let key = component.name == "decoder" ? "decoders" : "pretokenizers"
            try fields.required(key).forEachElement { part throws(LensError) in
                guard parts.isEmpty else { throw try unsupported(part, expected: "ByteLevel alone") }
                parts.append(part)
            }
            guard let part = parts.first, try type(part) == "ByteLevel" else { fallthrough }
            return try part.object()
        default: throw try unsupported(component, expected: "ByteLevel")
        }
    }

    private static func checkPostProcessor(_ component: JSONValue) throws(LensError) {
        let fields = try component.object()
        switch try fields.required("type").string() {
        case "ByteLevel", "TemplateProcessing", "RobertaProcessing", "BertProcessing": break
        case "Sequence":
            try fields.required("processors").forEachElement { part throws(LensError) in
                guard ["ByteLevel", "TemplateProcessing"].contains(try type(part)) else {
                    throw try unsupported(part, expected: "ByteLevel or TemplateProcessing")
                }
            }
        default: throw try unsupported(component, expected: "ByteLevel or TemplateProcessing")
        }
    }

    // MARK: Model

    /// The model's fields, once every one that would change the ids was found to be as usual.
    private static func modelFields(_ component: JSONValue) throws(LensError) -> JSONObject {
        let fields = try component.object()
        // GPT-2's own file is from before models had a type.
        if let type = fields.optional("type"), try type.string() != "BPE" {
            throw try unsupported(component, expected: "BPE")
        }
        for key in ["ignore_merges", "byte_fallback"] {
            if let flag = fields.optional(key), try flag.bool() {
                throw flag.error("true is not supported; expected false", code: .unimplemented)
            }
        }
        for key in ["continuing_subword_prefix", "end_of_word_suffix"] {
            if let affix = fields.optional(key), try !affix.utf8().isEmpty {
                throw affix.error("'\(try affix.excerpt())' is not supported; expected none", code: .unimplemented)
            }
        }
        if let dropout = fields.optional("dropout"), try dropout.double() != 0 {
            throw dropout.error("\(try dropout.double()) is not supported; expected none", code: .unimplemented)
        }
        return fields
    }

    private static func vocabulary(_ value: JSONValue) throws(LensError) -> [[UInt8]: Int32] {
        var vocabulary: [[UInt8]: Int32] = [:]
        var taken: Set<Int32> = []
        try value.forEachMember { token, id throws(LensError) in
            let id = Int32(try id.integer(in: 0...idLimit - 1))
            guard taken.insert(id).inserted else {
                throw value.error("has the id \(id) twice, the second time for '\(token)'")
            }
            guard vocabulary.updateValue(id, forKey: Array(token.utf8)) == nil else {
                throw value.error("has the token '\(token)' twice")
            }
        }
        return vocabulary
    }

    private static func model(_ fields: JSONObject, _ vocabulary: [[UInt8]: Int32]) throws(LensError) -> BytePairModel {
        var unknown: Int32?
        if let token = fields.optional("unk_token") { unknown = vocabulary[try token.utf8()] }
        var symbols: [BytePairModel.Symbol] = []
        for byte in 0...UInt8.max {
            if let id = vocabulary[ByteLevelAlphabet.spelling(of: byte)] {
                symbols.append(.token(id))
            } else if let unknown {
                symbols.append(.unknown(unknown))
            } else {
                if let token = fields.optional("unk_token") {
                    throw token.error("'\(try token.excerpt())' is not in the vocabulary, which lacks byte \(byte)")
                }
                symbols.append(.none)
            }
        }
        let merges = try merges(fields.required("merges"), vocabulary)
        var pairs = PairTable(capacity: merges.count)
        for (rank, merge) in merges.enumerated() {
            pairs.set(merge.left, merge.right, rank: Int32(truncatingIfNeeded: rank))
        }
        return BytePairModel(
            symbols: symbols,
            fusesUnknown: try fields.optional("fuse_unk")?.bool() ?? false,
            pairs: pairs,
            merged: merges.map(\.merged))
    }

    /// The merges in their order, written as `"a b"` or as `["a", "b"]`.
    private static func merges(
        _ value: JSONValue, _ vocabulary: [[UInt8]: Int32]
    ) throws(LensError) -> [(left: Int32, right: Int32, merged: Int32)] {
        var merges: [(left: Int32, right: Int32, merged: Int32)] = []
        func id(_ token: [UInt8]) throws(LensError) -> Int32 {
            guard let id = vocabulary[token] else {
                let token = String(decoding: token.prefix(64), as: UTF8.self)
                throw value.error("names '\(token)', which is not in the vocabulary (merge \(merges.count))")
            }
            return id
        }
        try value.forEachElement { element throws(LensError) in
            var parts: [[UInt8]] = []
            if element.kind == .string {
                let text = try element.utf8()
                if text.starts(with: "#version".utf8) { return }
                parts = text.split(separator: UInt8(ascii: " "), omittingEmptySubsequences: false).map(Array.init)
            } else {
                try element.forEachElement { part throws(LensError) in parts.append(try part.utf8()) }
            }
            guard parts.count == 2 else {
                throw value.error("must hold pairs; merge \(merges.count) has \(parts.count) parts")
            }
            merges.append((try id(parts[0]), try id(parts[1]), try id(parts[0] + parts[1])))
        }
        return merges
    }

    // MARK: Added tokens

    /// Gives added tokens the ids that the library gives them, and refuses a file that says otherwise.
    private mutating func addTokens(_ value: JSONValue) throws(LensError) {
        var tokens: [Int32: AddedTokens.Token] = [:]
        var ids: [[UInt8]: Int32] = [:]
        var order: [Int32] = []
        var nextID = Int32(truncatingIfNeeded: vocabulary.count)
        var length = 0
        try value.forEachElement { element throws(LensError) in
            let fields = try element.object()
            let content = try fields.required("content").utf8()
            if content.isEmpty { return }
            let name = String(decoding: content, as: UTF8.self)
            length += content.count
            guard content.count <= Self.addedTokenLengthLimit, length <= Self.addedTokensLengthLimit else {
                throw value.error(
                    "may have at most \(Self.addedTokensLengthLimit) bytes, each \(Self.addedTokenLengthLimit)")
            }
            let stated = try fields.required("id").integer(in: 0...Self.idLimit - 1)
            var id = nextID
            if let known = ids[content] ?? vocabulary[content] { id = known } else { nextID += 1 }
            guard id == stated else {
                throw value.error("gives '\(name)' the id \(stated), but the tokenizers library gives it \(id)")
            }
            func flag(_ key: String) throws(LensError) -> Bool { try fields.optional(key)?.bool() ?? false }
            let token = AddedTokens.Token(
                id: id, content: content, singleWord: try flag("single_word"), stripsLeft: try flag("lstrip"),
                stripsRight: try flag("rstrip"), isNormalized: try flag("normalized"))
            if let other = tokens.updateValue(token, forKey: id) {
                guard other.content == content else { throw value.error("has the id \(id) twice") }
            } else {
                order.append(id)
            }
            ids[content] = id
        }
        addedTokens = order.compactMap { tokens[$0] }
    }
}
