/// A byte-pair encoding: which tokens the symbols of a word are, which neighbours merge and in which order.
struct BytePairModel: Sendable {
    /// What a byte or character becomes before anything is merged.
    enum Symbol: Sendable, Equatable {
        case token(Int32)
        /// Unknown; what then happens is `unknown`'s to say.
        case missing
    }

    /// What words are made of.
    enum Alphabet: Sendable {
        /// Bytes, one symbol each.
        case bytes([Symbol])
        /// Characters. One that is missing becomes its bytes' tokens, if all are there.
        case characters(CharacterTokens, byteTokens: [Int32?])
    }

    let alphabet: Alphabet
    /// The unknown token; without one, what is missing vanishes, as in the `tokenizers` library.
    let unknown: Int32?
    /// Whether neighbouring unknown tokens are one.
    let fusesUnknown: Bool
    /// The rank of each pair that merges; the lowest merges first.
    let pairs: PairTable
    /// The token that the pair of each rank becomes.
    let merged: [Int32]
    /// Words that are a token of their own without any merge, by their bytes; `nil` where merges decide alone.
    let wholeWords: Vocabulary?
    /// Bytes in front of which a word may be cut without changing its tokens, unless they stand there before too.
    let wordStart: [UInt8]
}

/// The tokens of single characters, in pages of 256 where there are any.
struct CharacterTokens: Sendable {
    private var pages = [Int32](repeating: -1, count: 0x1100)
    private var tokens: [Int32] = []

    subscript(code: UInt32) -> BytePairModel.Symbol {
        let page = pages[Int(code &>> 8)]
        guard page >= 0 else { return .missing }
        let token = tokens[Int(page) &<< 8 | Int(code & 0xFF)]
        return token >= 0 ? .token(token) : .missing
    }

    mutating func set(_ code: UInt32, to token: Int32) {
        let page = Int(code &>> 8)
        if pages[page] < 0 {
            pages[page] = Int32(truncatingIfNeeded: tokens.count >> 8)
            tokens += repeatElement(-1, count: 256)
        }
        tokens[Int(pages[page]) << 8 | Int(code & 0xFF)] = token
    }
}
