import LensCore

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

    /// What one token adds to a text, as `Tokenizer.bytes(of:)`; without a tokenizer a space and its digits.
    ///
    /// - Throws: `INVALID_ARGUMENT` for an id outside the vocabulary.
    public func bytes(of id: Int32) throws(LensError) -> ArraySlice<UInt8> {
        if let tokenizer { return try tokenizer.bytes(of: id) }
        return Array(" \(try checked(id))".utf8)[...]
    }

    /// The text that tokens stand for together; without a tokenizer their digits, with spaces between.
    ///
    /// - Throws: `INVALID_ARGUMENT` for an id outside the vocabulary.
    public func decode(_ ids: [Int32]) throws(LensError) -> String {
        if let tokenizer { return try tokenizer.decode(ids) }
        return try tokens(ids).map(\.text).joined(separator: " ")
    }

    private func checked(_ id: Int32) throws(LensError) -> Int32 {
        guard id >= 0, id < configuration.dVocab else { throw .outOfRange("token id", id, 0..<configuration.dVocab) }
        return id
    }
}
