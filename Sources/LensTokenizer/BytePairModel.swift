/// A byte-pair encoding: which tokens the bytes are, which neighbours merge and in which order.
struct BytePairModel: Sendable {
    /// What a byte becomes before anything is merged.
    enum Symbol: Sendable, Equatable {
        case token(Int32)
        /// The unknown token; neighbouring ones are one where the tokenizer fuses them.
        case unknown(Int32)
        /// The vocabulary lacks the byte and has no unknown token: it vanishes, as in the `tokenizers` library.
        case none
    }

    /// One per byte.
    let symbols: [Symbol]
    let fusesUnknown: Bool
    /// The rank of each pair that merges; the lowest merges first.
    let pairs: PairTable
    /// The token that the pair of each rank becomes.
    let merged: [Int32]
}
