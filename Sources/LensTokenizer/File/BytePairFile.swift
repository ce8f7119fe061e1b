import LensCheckpoint
import LensCore

/// Reads the `model` of a `tokenizer.json`: a byte-pair encoding.
enum BytePairFile {
    /// The character before words in the manner of SentencePiece, `▁`.
    private static let wordStart: [UInt8] = [0xE2, 0x96, 0x81]
    private static let mergeLimit = 1 << 20

    /// The model's fields, once those were found to be as usual that are not supported otherwise.
    static func fields(_ component: JSONValue) throws(LensError) -> JSONObject {
        let fields = try component.object()
        // GPT-2's own file is from before models had a type.
        if let type = fields.optional("type"), try type.string() != "BPE" {
            throw component.error("'\(try type.excerpt())' is not supported; supported is BPE", code: .unimplemented)
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

    static func vocabulary(_ value: JSONValue) throws(LensError) -> Vocabulary {
        var vocabulary = Vocabulary()
        var taken: Set<Int32> = []
        try value.forEachMember { token, id throws(LensError) in
            let id = Int32(try id.integer(in: 0...TokenizerFile.idLimit - 1))
            guard taken.insert(id).inserted else {
                throw value.error("has the id \(id) twice, the second time for '\(shown(Array(token.utf8)))'")
            }
            guard vocabulary.insert(Array(token.utf8), id: id) else {
                throw value.error("has the token '\(shown(Array(token.utf8)))' twice")
            }
        }
        return vocabulary
    }

    /// - Parameter inBytes: whether words are bytes, which the vocabulary spells in `ByteLevelAlphabet`.
    static func model(
        _ fields: JSONObject, _ vocabulary: Vocabulary, spelledInBytes inBytes: Bool
    ) throws(LensError) -> BytePairModel {
        func flag(_ key: String) throws(LensError) -> Bool { try fields.optional(key)?.bool() ?? false }
        let merges = try Merges(reading: fields.required("merges"), vocabulary)
        let hasByteTokens = try flag("byte_fallback")
        guard !inBytes || !hasByteTokens else {
            throw try fields.required("byte_fallback").error(
                "true is not supported with the pre_tokenizer ByteLevel; expected false", code: .unimplemented)
        }
        let unknown = try fields.optional("unk_token").flatMap { value throws(LensError) in
            vocabulary.id(of: try value.utf8())
        }
        let alphabet: BytePairModel.Alphabet
        let isComplete: Bool
        if inBytes {
            let symbols = (0...UInt8.max).map { byte in
                vocabulary.id(of: ByteLevelAlphabet.spelling(of: byte)).map { BytePairModel.Symbol.token($0) }
                    ?? .missing
            }
            isComplete = !symbols.contains(.missing)
            alphabet = .bytes(symbols)
        } else {
            let byteTokens = hasByteTokens ? byteTokens(vocabulary) : []
            isComplete = hasByteTokens && !byteTokens.contains(nil)
            alphabet = .characters(characters(vocabulary), byteTokens: byteTokens)
        }
        // The library fails on the first text that needs the token.
        if !isComplete, unknown == nil, let token = fields.optional("unk_token"), try !token.utf8().isEmpty || !inBytes
        {
            throw token.error("'\(try token.excerpt())' is not in the vocabulary, which lacks some characters")
        }
        let ignoresMerges = try flag("ignore_merges")
        let cutsAtStart = !inBytes && !merges.crossWordStart && vocabulary.id(of: wordStart) != nil
        return BytePairModel(
            alphabet: alphabet, unknown: unknown, fusesUnknown: try flag("fuse_unk"), pairs: merges.pairs,
            merged: merges.merged, wholeWords: ignoresMerges ? wholeWords(vocabulary, inBytes) : nil,
            wordStart: cutsAtStart ? wordStart : [])
    }

    /// The tokens of the 256 bytes: `<0x00>` and so on.
    private static func byteTokens(_ vocabulary: Vocabulary) -> [Int32?] {
        let digits = Array("0123456789ABCDEF".utf8)
        return (0...255).map { byte in
            vocabulary.id(of: Array("<0x".utf8) + [digits[byte >> 4], digits[byte & 15], UInt8(ascii: ">")])
        }
    }

    private static func characters(_ vocabulary: Vocabulary) -> CharacterTokens {
        var characters = CharacterTokens()
        for (spelling, id) in vocabulary.entries where (1...4).contains(spelling.count) {
            let text = ValidUTF8(Array(spelling))
            let (code, length) = text.character(at: 0)
            if length == spelling.count { characters.set(code, to: id) }
        }
        return characters
    }

    private static func wholeWords(_ vocabulary: Vocabulary, _ inBytes: Bool) -> Vocabulary {
        guard inBytes else { return vocabulary }
        var words = Vocabulary()
        for (spelling, id) in vocabulary.entries {
            // A spelling with a character from outside the alphabet is no word's.
            if let bytes = ByteLevelAlphabet.spelledBytes(of: Array(spelling)) { _ = words.insert(bytes, id: id) }
        }
        return words
    }

    fileprivate static func shown(_ token: [UInt8]) -> String {
        String(decoding: token.prefix(64), as: UTF8.self) + (token.count > 64 ? "…" : "")
    }

    /// The merges in their order, written as `"a b"` or as `["a", "b"]`.
    private struct Merges {
        let pairs: PairTable
        let merged: [Int32]
        /// Whether one reaches over the beginning of a word, from another character to a `▁`.
        let crossWordStart: Bool

        init(reading value: JSONValue, _ vocabulary: Vocabulary) throws(LensError) {
            var sides: [(left: Int32, right: Int32)] = []
            var merged: [Int32] = []
            var crossWordStart = false
            try value.forEachElement { element throws(LensError) in
                var parts: [[UInt8]] = []
                if element.kind == .string {
                    let text = try element.utf8()
                    if text.starts(with: "#version".utf8) { return }
                    parts = text.split(separator: UInt8(ascii: " "), omittingEmptySubsequences: false).map(Array.init)
                } else {
                    try element.forEachElement { part throws(LensError) in parts.append(try part.utf8()) }
                }
                guard parts.count == 2, let left = parts.first, let right = parts.last else {
                    throw value.error("must hold pairs; merge \(sides.count) has \(parts.count) parts")
                }
                guard sides.count < mergeLimit else { throw value.error("may hold at most \(mergeLimit) pairs") }
                func id(_ token: [UInt8]) throws(LensError) -> Int32 {
                    guard let id = vocabulary.id(of: token) else {
                        throw value.error(
                            "names '\(shown(token))', which is not in the vocabulary (merge \(sides.count))")
                    }
                    return id
                }
                let ids = (try id(left), try id(right), try id(left + right))
                sides.append((ids.0, ids.1))
                merged.append(ids.2)
                if right.starts(with: wordStart), !left.suffix(wordStart.count).elementsEqual(wordStart) {
                    crossWordStart = true
                }
            }
            var pairs = PairTable(capacity: sides.count)
            for (rank, side) in sides.enumerated() {
                pairs.set(side.left, side.right, rank: Int32(truncatingIfNeeded: rank))
            }
            (self.pairs, self.merged, self.crossWordStart) = (pairs, merged, crossWordStart)
        }
    }
}
