/// Encodes the words of one text after another. A word that was met before is copied, not merged again.
struct TextEncoder {
    private(set) var tokens: [Int32] = []

    private var merger: WordMerger
    /// Words of the present text by their hash, the latest of equals; its size is bounded and follows the text's.
    private var seen: [SeenWord] = []

    /// A word and where its tokens stand; empty in a slot that was not used.
    private struct SeenWord {
        var word = 0..<0
        var tokens = 0..<0
    }

    private static let longestSeenWord = 48

    init(_ model: BytePairModel) {
        merger = WordMerger(model)
    }

    mutating func append(_ token: Int32) {
        tokens.append(token)
    }

    /// Appends the tokens of a part of a text.
    mutating func append(_ text: ValidUTF8, in range: Range<Int>, splitsWords: Bool) {
        guard splitsWords else { return merger.append(text.bytes[range], to: &tokens) }
        forgetWords(for: range.count)
        for word in WordSplitter(text, in: range) {
            if word.count == 1 || word.count > Self.longestSeenWord {
                merger.append(text.bytes[word], to: &tokens)
                continue
            }
            let slot = Int(truncatingIfNeeded: Self.hash(text.bytes, word)) & (seen.count - 1)
            let start = tokens.count
            if Self.areEqual(text.bytes, seen[slot].word, word) {
                for index in seen[slot].tokens { tokens.append(tokens[index]) }
            } else {
                merger.append(text.bytes[word], to: &tokens)
                seen[slot] = SeenWord(word: word, tokens: start..<tokens.count)
            }
        }
    }

    /// Empties the table: its words point into the text before.
    private mutating func forgetWords(for byteCount: Int) {
        var size = 16
        while size < 8192, size * 8 < byteCount { size *= 2 }
        seen.removeAll(keepingCapacity: true)
        seen.append(contentsOf: repeatElement(SeenWord(), count: size))
    }

    private static func hash(_ bytes: [UInt8], _ word: Range<Int>) -> UInt64 {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for index in word { hash = (hash ^ UInt64(bytes[index])) &* 0x100_0000_01B3 }
        return hash ^ hash &>> 32
    }

    private static func areEqual(_ bytes: [UInt8], _ left: Range<Int>, _ right: Range<Int>) -> Bool {
        guard left.count == right.count else { return false }
        for (first, second) in zip(left, right) where bytes[first] != bytes[second] { return false }
        return true
    }
}
