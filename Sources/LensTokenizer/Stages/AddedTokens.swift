/// The tokens that are cut out of a text before it is split into words, such as `<|endoftext|>`.
///
/// As the `tokenizers` library does it: first those that are not normalised, then, in what is left and normalised, those
/// that are.
struct AddedTokens: Sendable {
    /// An added token and what surrounds it.
    struct Token: Sendable, Equatable {
        let id: Int32
        /// As the text has it; normalised where the token is.
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

    /// Cuts a text at the tokens that are not normalised; no piece is empty.
    func verbatimPieces(of text: ValidUTF8) -> [Piece] {
        Self.cut(text, 0..<text.bytes.count, verbatim)
    }

    /// Cuts a part of a normalised text at the tokens that are normalised; no piece is empty.
    func normalizedPieces(of text: ValidUTF8, in range: Range<Int>) -> [Piece] {
        Self.cut(text, range, normalized)
    }

    /// After the library's `AddedVocabulary::find_matches`; that a token may reach into the space that the one before
    /// it took is the library's own way.
    private static func cut(_ text: ValidUTF8, _ range: Range<Int>, _ trie: TokenTrie) -> [Piece] {
        guard !range.isEmpty else { return [] }
        guard !trie.isEmpty else { return [.text(range)] }
        var pieces: [Piece] = []
        var done = range.lowerBound
        var position = range.lowerBound
        // White space that was walked over behind a token, so that each character is walked over once.
        var spaces = range.lowerBound..<range.lowerBound
        while position < range.upperBound {
            guard let token = trie.longestMatch(in: text.bytes, from: position, to: range.upperBound) else {
                position += 1
                continue
            }
            var start = position
            var end = position + token.content.count
            position = end
            if token.singleWord {
                let isAfterWord = start > range.lowerBound && isAny(of: .word, text.character(before: start).code)
                let isBeforeWord = end < range.upperBound && isAny(of: .word, text.character(at: end).code)
                if isAfterWord || isBeforeWord { continue }
            }
            if token.stripsLeft {
                // Not into what the token before it has taken already.
                while start > done {
                    let (code, length) = text.character(before: start)
                    guard isAny(of: .space, code) else { break }
                    start -= length
                }
            }
            if token.stripsRight {
                if spaces.contains(end) {
                    end = spaces.upperBound
                } else {
                    let first = end
                    while end < range.upperBound {
                        let (code, length) = text.character(at: end)
                        guard isAny(of: .space, code) else { break }
                        end += length
                    }
                    spaces = first..<end
                }
            }
            if done < start { pieces.append(.text(done..<start)) }
            pieces.append(.token(token.id))
            done = end
        }
        if done < range.upperBound { pieces.append(.text(done..<range.upperBound)) }
        return pieces
    }

    private static func isAny(of kinds: CharacterClass, _ code: UInt32) -> Bool {
        CharacterClasses.all[code].isAny(of: kinds)
    }
}

/// Finds the longest of a set of tokens at a place in a text.
private struct TokenTrie: Sendable {
    private struct Node {
        let byte: UInt8
        /// The index of the token that ends here; -1 for none.
        var token: Int32 = -1
        /// The node for the next byte, and that for another byte in this place; -1 for none.
        var child: Int32 = -1
        var sibling: Int32 = -1
    }

    private let tokens: [AddedTokens.Token]
    private var nodes: [Node] = []
    /// The node for each first byte; -1 where no token begins with it.
    private var first = [Int32](repeating: -1, count: 256)

    init(_ tokens: [AddedTokens.Token]) {
        self.tokens = tokens
        for (index, token) in tokens.enumerated() { insert(token.content, Int32(truncatingIfNeeded: index)) }
    }

    var isEmpty: Bool { tokens.isEmpty }

    func longestMatch(in bytes: [UInt8], from start: Int, to end: Int) -> AddedTokens.Token? {
        var node = first[Int(bytes[start])]
        var found: Int32 = -1
        var position = start
        while node >= 0 {
            if nodes[Int(node)].token >= 0 { found = nodes[Int(node)].token }
            position += 1
            guard position < end else { break }
            node = child(of: node, bytes[position])
        }
        return found >= 0 ? tokens[Int(found)] : nil
    }

    private mutating func insert(_ content: [UInt8], _ token: Int32) {
        guard let lead = content.first else { return }
        if first[Int(lead)] < 0 { first[Int(lead)] = add(lead) }
        var node = first[Int(lead)]
        for byte in content.dropFirst() {
            var next = child(of: node, byte)
            if next < 0 {
                next = add(byte)
                nodes[Int(next)].sibling = nodes[Int(node)].child
                nodes[Int(node)].child = next
            }
            node = next
        }
        nodes[Int(node)].token = token
    }

    private mutating func add(_ byte: UInt8) -> Int32 {
        nodes.append(Node(byte: byte))
        return Int32(truncatingIfNeeded: nodes.count - 1)
    }

    private func child(of node: Int32, _ byte: UInt8) -> Int32 {
        var node = nodes[Int(node)].child
        while node >= 0, nodes[Int(node)].byte != byte { node = nodes[Int(node)].sibling }
        return node
    }
}
