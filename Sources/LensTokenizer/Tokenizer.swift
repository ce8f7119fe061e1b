import LensCheckpoint
import LensCore

/// A model's tokenizer: a byte-level byte-pair encoding whose ids are those of the `tokenizers` library.
///
/// A value without shared state, so any number of threads may use it at once.
public struct Tokenizer: Sendable {
    /// The id that `prepend_bos` puts in front; `nil` where the model has none. No other function of the tokenizer puts
    /// it anywhere, whatever the file's post-processor says.
    public let bosTokenID: Int32?
    /// The id that ends a text; `nil` where the model has none.
    public let eosTokenID: Int32?
    /// Ids are below this: the tokenizer's own or the model's number of rows, whichever is higher.
    public let vocabularySize: Int

    private let model: BytePairModel
    private let addedTokens: AddedTokens
    private let spellings: TokenSpellings
    private let addsPrefixSpace: Bool
    private let splitsWords: Bool

    /// Reads a `tokenizer.json` with, where there is one, its `tokenizer_config.json`.
    ///
    /// - Parameters:
    ///   - rows: the model's number of embedding rows; ids without a token below it are ids all the same.
    ///   - bosTokenID: what the model's configuration says; the settings come first.
    ///   - eosTokenID: likewise.
    /// - Throws: `UNIMPLEMENTED` naming a component that is not supported; `INVALID_ARGUMENT` for what is wrong in
    ///   itself.
    public init(
        reading file: JSONFile, settings: JSONFile? = nil, rows: Int = 0, bosTokenID: Int32? = nil,
        eosTokenID: Int32? = nil
    ) throws(LensError) {
        let contents = try TokenizerFile(reading: file)
        model = contents.model
        addedTokens = AddedTokens(contents.addedTokens)
        spellings = contents.spellings
        addsPrefixSpace = contents.addsPrefixSpace
        splitsWords = contents.splitsWords
        vocabularySize = max(spellings.count, rows)
        // As TransformerLens finds them: what the tokenizer says, then what the model's configuration says.
        let eos = try Self.id(of: "eos_token", contents, settings: settings)
        let bos = try Self.id(of: "bos_token", contents, settings: settings)
        self.bosTokenID = bos ?? eos ?? bosTokenID ?? eosTokenID
        self.eosTokenID = eos ?? eosTokenID
    }

    /// The tokens of a text. Text of an added token, such as `<|endoftext|>`, becomes that token.
    public func encode(_ text: String) -> [Int32] {
        let text = ValidUTF8(text)
        var encoder = TextEncoder(model)
        for piece in addedTokens.pieces(of: text) {
            switch piece {
            case .token(let id): encoder.append(id)
            case .text(let range) where addsPrefixSpace && text.bytes[range.lowerBound] != UInt8(ascii: " "):
                let spaced = ValidUTF8([UInt8(ascii: " ")] + text.bytes[range])
                encoder.append(spaced, in: 0..<spaced.bytes.count, splitsWords: splitsWords)
            case .text(let range):
                encoder.append(text, in: range, splitsWords: splitsWords)
            }
        }
        return encoder.tokens
    }

    /// The text that tokens stand for together; bytes that are no UTF-8 become U+FFFD, one per maximal broken part.
    ///
    /// - Throws: `INVALID_ARGUMENT` for an id outside the vocabulary.
    public func decode(_ ids: [Int32]) throws(LensError) -> String {
        var bytes: [UInt8] = []
        for id in ids { bytes += spellings[try index(of: id)] }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// The text of one token; what is only a part of a character shows U+FFFD, and an id that no token has is empty.
    ///
    /// - Throws: `INVALID_ARGUMENT` for an id outside the vocabulary.
    public func text(of id: Int32) throws(LensError) -> String {
        String(decoding: spellings[try index(of: id)], as: UTF8.self)
    }

    /// The bytes of one token, which may be parts of characters; none for an id that no token has.
    ///
    /// - Throws: `INVALID_ARGUMENT` for an id outside the vocabulary.
    public func bytes(of id: Int32) throws(LensError) -> ArraySlice<UInt8> {
        spellings[try index(of: id)]
    }

    private func index(of id: Int32) throws(LensError) -> Int {
        guard (0..<vocabularySize).contains(Int(id)) else {
            throw .outOfRange("token id", id, 0..<vocabularySize)
        }
        return Int(id)
    }

    /// A special token that the settings name; `nil` where they name none.
    private static func id(
        of key: String, _ contents: TokenizerFile, settings: JSONFile?
    ) throws(LensError) -> Int32? {
        guard let value = try settings?.object().optional(key) else { return nil }
        // Either the token or an object around it.
        let token = value.kind == .object ? try value.object().required("content") : value
        guard let id = contents.id(of: try token.string()) else {
            throw value.error("'\(try token.excerpt())' is not a token of the tokenizer")
        }
        return id
    }
}
