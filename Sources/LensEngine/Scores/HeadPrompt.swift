/// What the tokens of one prompt say before anybody looks at a pattern: where each of them occurred before.
package struct HeadPrompt: Sendable {
    let tokens: [Int32]
    /// Earlier occurrences of each position's token.
    let earlier: [[Int]]

    package init(tokens: [Int32]) {
        self.tokens = tokens
        var seen: [Int32: [Int]] = [:]
        earlier = tokens.enumerated().map { position, token in
            defer { seen[token, default: []].append(position) }
            return seen[token] ?? []
        }
    }

    var length: Int { tokens.count }

    /// The prompt's rows in parts that a thread goes through in some milliseconds.
    static func parts(ofRows length: Int) -> [Range<Int>] {
        let step = max((1 << 18) / max(length, 1), 1)
        return stride(from: 0, to: length, by: step).map { $0..<min($0 + step, length) }
    }
}

/// Which keys the destinations of a layer see.
package struct VisibleKeys: Sendable, Hashable {
    /// The last so many, the query's own among them; `nil` is all.
    let window: Int?

    package init(window: Int?) { self.window = window }

    func first(from row: Int) -> Int { window.map { max(row + 1 - $0, 0) } ?? 0 }
    func count(from row: Int) -> Int { row + 1 - first(from: row) }
}

/// The destinations that count: from the third position on the query's own position, the one before it and the first
/// one are three different places.
enum CountedRows {
    static let first = 2
    /// Position models are fitted on the other folds than the one they are measured on.
    static let folds = 4

    /// Neighbouring rows are in different folds, so that a single prompt has them all.
    static func fold(prompt: Int, row: Int) -> Int { (prompt + row) % folds }
}
