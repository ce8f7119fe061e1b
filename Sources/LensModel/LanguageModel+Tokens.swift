import LensCore
import LensTokenizer

/// Tokens as people read them: the tokenizer's text, or the ids in digits where the model has no tokenizer.
extension LanguageModel {
    /// Ids with their texts.
    ///
    /// - Throws: as `text(of:)`.
    public func tokens(_ ids: [Int32]) throws(LensError) -> [Token] {
        var tokens: [Token] = []
        for id in ids { tokens.append(Token(id: id, text: try text(of: id))) }
        return tokens
    }

    /// The text of one token, as `Tokenizer.text(of:)`; without a tokenizer its digits.
    ///
    /// - Throws: `INVALID_ARGUMENT` for an id outside the vocabulary.
    public func text(of id: Int32) throws(LensError) -> String {
        if let tokenizer { return try tokenizer.text(of: id) }
        return String(try checked(id))
    }

    /// The text that tokens stand for together; without a tokenizer their digits, with spaces between.
    ///
    /// - Throws: `INVALID_ARGUMENT` for an id outside the vocabulary.
    public func decode(_ ids: [Int32]) throws(LensError) -> String {
        if let tokenizer { return try tokenizer.decode(ids) }
        return try tokens(ids).map(\.text).joined(separator: " ")
    }

    /// The text of tokens that come behind others.
    ///
    /// - Throws: as `decode(_:)`.
    public func stream(behind tokens: [Int32]) throws(LensError) -> TokenStream {
        TokenStream(text: try tokenizer?.stream(continuing: !decode(tokens).isEmpty), dVocab: configuration.dVocab)
    }

    private func checked(_ id: Int32) throws(LensError) -> Int32 {
        guard id >= 0, id < configuration.dVocab else { throw .outOfRange("token id", id, 0..<configuration.dVocab) }
        return id
    }
}

/// The text of tokens as they come: as `TextStream`; without a tokenizer a space and the digits of each.
public struct TokenStream: Sendable {
    fileprivate var text: TextStream?
    fileprivate let dVocab: Int

    /// Adds a token.
    ///
    /// - Returns: the UTF-8 that is certain now, as of `TextStream.append(_:)`.
    /// - Throws: `INVALID_ARGUMENT` for an id outside the vocabulary.
    public mutating func append(_ id: Int32) throws(LensError) -> [UInt8] {
        if text == nil {
            guard id >= 0, id < dVocab else { throw .outOfRange("token id", id, 0..<dVocab) }
            return Array(" \(id)".utf8)
        }
        return try text?.append(id) ?? []
    }

    /// What was held back.
    public mutating func finish() -> [UInt8] { text?.finish() ?? [] }
}
