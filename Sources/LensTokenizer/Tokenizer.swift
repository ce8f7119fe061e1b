import LensCheckpoint
import LensCore

/// A model's tokenizer: a byte-pair encoding whose ids and texts are those of the `tokenizers` library.
///
/// A text goes through five stages: added tokens are cut out of it and what is left is normalised (`Normalizer`), split
/// into words (`PreTokenizer`) and merged (`BytePairModel`); a `PostProcessor` knows what special tokens belong around
/// it, and a `Decoder` makes tokens text again. A value without shared state: any number of threads may use it at once.
public struct Tokenizer: Sendable {
    /// The id that `prepend_bos` puts in front; `nil` where the model has none.
    public let bosTokenID: Int32?
    /// The id that ends a text; `nil` where the model has none.
    public let eosTokenID: Int32?
    /// Ids are below this: the tokenizer's own or the model's number of rows, whichever is higher.
    public let vocabularySize: Int

    let decoder: Decoder
    let spellings: TokenSpellings
    private let addedTokens: AddedTokens
    private let normalizer: Normalizer
    private let preTokenizer: PreTokenizer
    private let model: BytePairModel
    private let postProcessor: PostProcessor

    /// Reads a `tokenizer.json` with, where there is one, its `tokenizer_config.json`.
    ///
    /// - Parameters:
    ///   - rows: the model's number of embedding rows; ids without a token below it are ids all the same.
    ///   - bosTokenID: what the model's configuration says; the settings come first.
    ///   - eosTokenID: likewise.
    /// - Throws: `UNIMPLEMENTED` naming a component that is not supported; `INVALID_ARGUMENT` for what is wrong in
    ///   itself.
    public init(
        reading file: NamedBytes, settings: NamedBytes? = nil, rows: Int = 0, bosTokenID: Int32? = nil,
        eosTokenID: Int32? = nil
    ) throws(LensError) {
        let contents = try TokenizerFile(reading: file)
        addedTokens = AddedTokens(contents.addedTokens)
        normalizer = contents.normalizer
        preTokenizer = contents.preTokenizer
        model = contents.model
        postProcessor = contents.postProcessor
        decoder = contents.decoder
        spellings = contents.spellings
        vocabularySize = max(spellings.count, rows)
        // As TransformerLens finds them: what the tokenizer says, then what the model's configuration says.
        let eos = try Self.id(of: "eos_token", contents, settings: settings)
        let bos = try Self.id(of: "bos_token", contents, settings: settings)
        self.bosTokenID = bos ?? eos ?? bosTokenID ?? eosTokenID
        self.eosTokenID = eos ?? eosTokenID
    }

    // MARK: Text to tokens

    /// The tokens of a text, without what the post-processor adds. Text of an added token, such as `<|endoftext|>`,
    /// becomes that token.
    public func encode(_ text: String) -> [Int32] {
        encoded(text, control: nil).tokens
    }

    /// The tokens of a text with the special tokens that TransformerLens puts around it.
    ///
    /// BOS stands there once or not at all, whoever would add it; other tokens of the post-processor always do.
    public func encode(_ text: String, prependingBOS: Bool) -> [Int32] {
        surrounded(encode(text), prependingBOS: prependingBOS)
    }

    /// The same for a call, whose end is noticed within some milliseconds.
    ///
    /// - Throws: `CANCELLED`, `DEADLINE_EXCEEDED`.
    public func encode(_ text: String, prependingBOS: Bool, control: CallControl) throws(LensError) -> [Int32] {
        let encoder = encoded(text, control: control)
        if let failure = encoder.failure { throw failure }
        return surrounded(encoder.tokens, prependingBOS: prependingBOS)
    }

    private func surrounded(_ tokens: [Int32], prependingBOS: Bool) -> [Int32] {
        var prefix = postProcessor.prefix
        if prefix.isEmpty {
            prefix = prependingBOS ? [bosTokenID].compactMap { $0 } : []
        } else if !prependingBOS {
            prefix.removeFirst()
        }
        return prefix + tokens + postProcessor.suffix
    }

    private func encoded(_ text: String, control: CallControl?) -> TextEncoder {
        let text = ValidUTF8(text)
        var encoder = TextEncoder(model, byteCount: text.bytes.count, control: control)
        for piece in addedTokens.verbatimPieces(of: text) {
            switch piece {
            case .token(let id): encoder.append(id)
            case .text(let range): encode(text, range, with: &encoder)
            }
        }
        return encoder
    }

    private func encode(_ whole: ValidUTF8, _ range: Range<Int>, with encoder: inout TextEncoder) {
        let normalized = normalizer.normalized(whole, in: range)
        let text = normalized ?? whole
        let start = normalized == nil ? range.lowerBound : 0
        let end = normalized.map(\.bytes.count) ?? range.upperBound
        for piece in addedTokens.normalizedPieces(of: text, in: start..<end) {
            switch piece {
            case .token(let id): encoder.append(id)
            case .text(let part):
                let isFirst = range.lowerBound == 0 && part.lowerBound == start
                preTokenizer.forEachWord(of: text, in: part, isFirst: isFirst) { encoder.append($0, $1) }
            }
        }
    }

    // MARK: Tokens to text

    /// The text that tokens stand for together; bytes that are no UTF-8 become U+FFFD, one per maximal broken part.
    ///
    /// - Throws: `INVALID_ARGUMENT` for an id outside the vocabulary.
    public func decode(_ ids: [Int32]) throws(LensError) -> String {
        var stream = stream(continuing: false)
        var bytes: [UInt8] = []
        for id in ids { bytes += try stream.append(id) }
        return String(decoding: bytes + stream.finish(), as: UTF8.self)
    }

    /// The text of one token, decoded by itself as `to_str_tokens` shows it: what is only a part of a character shows
    /// U+FFFD, `▁Once` shows `Once` where the tokenizer takes the first space away, and an id that no token has is empty.
    ///
    /// - Throws: `INVALID_ARGUMENT` for an id outside the vocabulary.
    public func text(of id: Int32) throws(LensError) -> String {
        try decode([id])
    }

    /// A stream that makes text of tokens as they come.
    ///
    /// - Parameter continuing: whether text stands before them.
    public func stream(continuing: Bool) -> TextStream {
        TextStream(self, continuing: continuing)
    }

    func index(of id: Int32) throws(LensError) -> Int {
        guard (0..<vocabularySize).contains(Int(id)) else {
            throw .outOfRange("token id", id, 0..<vocabularySize)
        }
        return Int(id)
    }

    /// A special token that the settings name; `nil` where they name none.
    private static func id(
        of key: String, _ contents: TokenizerFile, settings: NamedBytes?
    ) throws(LensError) -> Int32? {
        guard let value = try settings?.object().optional(key) else { return nil }
        // Either the token or an object around it.
        let token = value.kind == .object ? try value.object().required("content") : value
        guard let id = contents.id(of: try token.utf8()) else {
            throw value.error("'\(try token.excerpt())' is not a token of the tokenizer")
        }
        return id
    }
}
