import LensCheckpoint
import LensCore

/// The `added_tokens` of a `tokenizer.json`, with the ids that the library gives them.
struct AddedTokensFile {
    /// In the order of the file, each with the content to look for.
    private(set) var tokens: [AddedTokens.Token] = []
    /// By the content as the file has it.
    private(set) var ids: [[UInt8]: Int32] = [:]

    private static let lengthLimit = 1024
    private static let wholeLengthLimit = 1 << 20

    /// - Throws: `INVALID_ARGUMENT` for what is wrong, an id that the library would not give included.
    init(
        reading value: JSONValue?, _ vocabulary: Vocabulary, _ normalizer: Normalizer
    ) throws(LensError) {
        guard let value else { return }
        var places: [Int32: Int] = [:]
        var taken = Set(vocabulary.entries.lazy.map(\.id))
        var nextID = vocabulary.count
        var length = 0
        try value.forEachElement { element throws(LensError) in
            let fields = try element.object()
            let content = try fields.required("content").utf8()
            if content.isEmpty { return }
            let name = String(decoding: content.prefix(64), as: UTF8.self)
            length += content.count
            guard content.count <= Self.lengthLimit, length <= Self.wholeLengthLimit else {
                throw value.error("may have at most \(Self.wholeLengthLimit) bytes, each \(Self.lengthLimit)")
            }
            let stated = Int32(try fields.required("id").integer(in: 0...TokenizerFile.idLimit - 1))
            var id = Int32(truncatingIfNeeded: nextID)
            if let known = ids[content] ?? vocabulary.id(of: content) {
                id = known
            } else {
                nextID += 1
                guard id != stated || taken.insert(id).inserted else { throw value.error("has the id \(id) twice") }
            }
            guard id == stated else {
                throw value.error("gives '\(name)' the id \(stated), but the tokenizers library gives it \(id)")
            }
            func flag(_ key: String) throws(LensError) -> Bool { try fields.optional(key)?.bool() ?? false }
            let isNormalized = try flag("normalized")
            let token = AddedTokens.Token(
                id: id, content: isNormalized ? Self.normalized(content, normalizer) : content,
                singleWord: try flag("single_word"), stripsLeft: try flag("lstrip"), stripsRight: try flag("rstrip"),
                isNormalized: isNormalized)
            guard !token.content.isEmpty else {
                throw value.error("has '\(name)', of which normalising leaves nothing")
            }
            if let place = places[id] {
                tokens[place] = token
            } else {
                places[id] = tokens.count
                tokens.append(token)
            }
            ids[content] = id
        }
        try checkDifferent(value)
    }

    private static func normalized(_ content: [UInt8], _ normalizer: Normalizer) -> [UInt8] {
        normalizer.normalized(ValidUTF8(content), in: 0..<content.count)?.bytes ?? content
    }

    /// The library cannot tell apart what is the same once normalised.
    private func checkDifferent(_ value: JSONValue) throws(LensError) {
        var seen: Set<[UInt8]> = []
        for token in tokens where token.isNormalized {
            guard seen.insert(token.content).inserted else {
                throw value.error(
                    "has '\(String(decoding: token.content.prefix(64), as: UTF8.self))' twice once it is normalised")
            }
        }
    }
}
