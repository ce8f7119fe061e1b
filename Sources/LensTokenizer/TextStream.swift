import LensCore

/// The text of tokens that come one after another: its pieces together are what decoding all of them at once gives.
public struct TextStream: Sendable {
    private let tokenizer: Tokenizer
    /// Whether no token has come yet.
    private var isFirst: Bool
    /// How many characters may still be taken from the text's beginning.
    private var leading: Int
    /// Tokens that stand for single bytes, until one comes that does not.
    private var fallback: [UInt8] = []

    /// - Parameter continuing: whether text stands before; what a tokenizer does at the beginning is then done already.
    init(_ tokenizer: Tokenizer, continuing: Bool) {
        self.tokenizer = tokenizer
        isFirst = !continuing
        leading = continuing ? 0 : tokenizer.decoder.leading?.count ?? 0
    }

    /// Adds a token.
    ///
    /// - Returns: the UTF-8 that nothing behind it can change any more. A byte-level tokenizer's may end within a
    ///   character or be broken; then it is for U+FFFD, one per maximal broken part.
    /// - Throws: `INVALID_ARGUMENT` for an id outside the vocabulary.
    public mutating func append(_ id: Int32) throws(LensError) -> [UInt8] {
        guard let spelling = tokenizer.spellings[try tokenizer.index(of: id)] else { return [] }
        let piece = tokenizer.decoder.prepared(Array(spelling), isFirst: isFirst)
        isFirst = false
        if tokenizer.decoder.joining == .byteFallback, let byte = Decoder.fallbackByte(piece) {
            fallback.append(byte)
            return []
        }
        return withoutLeading(takeFallback() + piece)
    }

    /// What was held back.
    public mutating func finish() -> [UInt8] {
        withoutLeading(takeFallback())
    }

    private mutating func takeFallback() -> [UInt8] {
        guard !fallback.isEmpty else { return [] }
        defer { fallback.removeAll() }
        // Whole or not at all, as in the library.
        if String(validating: fallback, as: UTF8.self) != nil { return fallback }
        return Array(String(repeating: "\u{FFFD}", count: fallback.count).utf8)
    }

    private mutating func withoutLeading(_ piece: [UInt8]) -> [UInt8] {
        guard leading > 0, !piece.isEmpty, let content = tokenizer.decoder.leading?.content else { return piece }
        var rest = piece[...]
        while leading > 0, rest.starts(with: content) {
            rest.removeFirst(content.count)
            leading -= 1
        }
        if !rest.isEmpty { leading = 0 }
        return Array(rest)
    }
}
