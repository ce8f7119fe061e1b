/// The tokens that are cut out of a text before it is split into words, such as `<|endoftext|>`.
///
/// As the `tokenizers` library does it: first those that are not normalized, then, in what is left, those that are.
struct AddedTokens: Sendable {
    /// An added token and what surrounds it.
    struct Token: Sendable, Equatable {
        let id: Int32
        let content: [UInt8]
        /// Only found where no word character stands beside it.
        let singleWord: Bool
        /// Takes the white space before it.
        let stripsLeft: Bool
        /// Takes the white space after it.
        let stripsRight: Bool
        let isNormalized: Bool
    }

    /// A part of a text.
    enum Piece: Equatable {
        case text(Range<Int>)
        case token(Int32)
    }

    private let verbatim: TokenTrie
    private let normalized: TokenTrie

    init(_ tokens: [Token]) {
        verbatim = TokenTrie(tokens.filter { !$0.isNormalized })
        normalized = TokenTrie(tokens.filter(\.isNormalized))
    }

    /// Cuts a text; no piece of text is empty.
    func pieces(of text: ValidUTF8) -> [Piece] {
        guard !text.bytes.isEmpty else { return [] }
        return Self.cut(text, 0..<text.bytes.count, verbatim).flatMap { piece in
            if case .text(let range) = piece { Self.cut(text, range, normalized) } else { [piece] }
        }
    }

    /// After the library's `AddedVocabulary::find_matches`; that a token may reach into the space that the one before
    /// it took is the library's own way.
    private static func cut(_ text: ValidUTF8, _ range: Range<Int>, _ trie: TokenTrie) -> [Piece] {
        guard !trie.isEmpty else { return [.text(range)] }
        var pieces: [Piece] = []
        var done = range.lowerBound
        var position = range.lowerBound
        while position < range.upperBound {
            guard let token = trie.longestMatch(in: text.bytes, from: position, to: range.upperBound) else {
                position += 1
                continue
            }
            var start = position
            var end = position + token.content.count
            position = end
            if token.singleWord {
                let isAfterWord = start > range.lowerBound && CharacterClass.isWord(text.scalar(before: start).scalar)
                let isBeforeWord = end < range.upperBound && CharacterClass.isWord(text.scalar(at: end).scalar)
                if isAfterWord || isBeforeWord { continue }
            }
            if token.stripsLeft {
                while start > range.lowerBound {
                    let (scalar, length) = text.scalar(before: start)
                    guard CharacterClass(scalar) == .space else { break }
                    start -= length
                }
            }
            if token.stripsRight {
                while end < range.upperBound {
                    let (scalar, length) = text.scalar(at: end)
                    guard CharacterClass(scalar) == .space else { break }
                    end += length
                }
            }
            if done < start { pieces.append(.text(done..<start)) }
            pieces.append(.token(token.id))
            done = end
        }
        if done < range.upperBound { pieces.append(.text(done..<range.upperBound)) }
        return pieces
    }
}

/// Finds the longest of a set of tokens at a place in a text.
private struct TokenTrie: Sendable {
    private let tokens: [AddedTokens.Token]
    /// Whether a token begins with each byte.
    private var begins = [Bool](repeating: false, count: 256)
    /// From a node and a byte to the next node.
    private var edges: [UInt64: Int32] = [:]
    /// The index of the token that ends in each node; -1 for none.
    private var ends: [Int32] = [-1]

    init(_ tokens: [AddedTokens.Token]) {
        self.tokens = tokens
        for (index, token) in tokens.enumerated() {
            var node: Int32 = 0
            for byte in token.content {
                let edge = Self.edge(node, byte)
                if let next = edges[edge] {
                    node = next
                } else {
                    node = Int32(truncatingIfNeeded: ends.count)
                    ends.append(-1)
                    edges[edge] = node
                }
            }
            ends[Int(node)] = Int32(truncatingIfNeeded: index)
            if let first = token.content.first { begins[Int(first)] = true }
        }
    }

    var isEmpty: Bool { tokens.isEmpty }

    func longestMatch(in bytes: [UInt8], from start: Int, to end: Int) -> AddedTokens.Token? {
        guard begins[Int(bytes[start])] else { return nil }
        var node: Int32 = 0
        var found: Int32 = -1
        var position = start
        while position < end, let next = edges[Self.edge(node, bytes[position])] {
            node = next
            position += 1
            if ends[Int(node)] >= 0 { found = ends[Int(node)] }
        }
        return found >= 0 ? tokens[Int(found)] : nil
    }

    private static func edge(_ node: Int32, _ byte: UInt8) -> UInt64 {
        UInt64(UInt32(bitPattern: node)) &<< 8 | UInt64(byte)
    }
}
