/// Splits text into the words that are merged by themselves, by GPT-2's pattern
/// `'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`, written out as a scanner.
///
/// Each character is looked at once or twice, whatever the text.
struct WordSplitter: Sequence, IteratorProtocol {
    private let text: ValidUTF8
    private var position: Int
    private let end: Int

    /// Splits a part of a text as if nothing stood around it.
    init(_ text: ValidUTF8, in range: Range<Int>) {
        self.text = text
        position = range.lowerBound
        end = range.upperBound
    }

    /// The next word's place in the text.
    mutating func next() -> Range<Int>? {
        guard position < end else { return nil }
        let start = position
        position = endOfWord(from: start)
        return start..<position
    }

    private func endOfWord(from start: Int) -> Int {
        let (scalar, length) = text.scalar(at: start)
        if scalar == "'", let end = endOfContraction(from: start + 1) { return end }
        let first = CharacterClass(scalar)
        if first != .space { return endOfRun(of: first, from: start + length) }
        if scalar == " ", start + 1 < end {
            // ` ?` before a letter, a number or another: the space goes with them.
            let (second, length) = text.scalar(at: start + 1)
            let kind = CharacterClass(second)
            if kind != .space { return endOfRun(of: kind, from: start + 1 + length) }
        }
        return endOfSpaces(from: start)
    }

    private func endOfRun(of kind: CharacterClass, from start: Int) -> Int {
        var position = start
        while position < end {
            let (scalar, length) = text.scalar(at: position)
            guard CharacterClass(scalar) == kind else { break }
            position += length
        }
        return position
    }

    /// `\s+(?!\S)|\s+`: all white space at the end of the text, elsewhere all but the last, or a single one.
    private func endOfSpaces(from start: Int) -> Int {
        var position = start
        var last = start
        while position < end {
            let (scalar, length) = text.scalar(at: position)
            guard CharacterClass(scalar) == .space else { return last > start ? last : position }
            last = position
            position += length
        }
        return position
    }

    /// What follows an apostrophe in one of the seven English contractions.
    private func endOfContraction(from start: Int) -> Int? {
        guard start < end else { return nil }
        switch text.bytes[start] {
        case UInt8(ascii: "s"), UInt8(ascii: "t"), UInt8(ascii: "m"), UInt8(ascii: "d"): return start + 1
        case UInt8(ascii: "r"), UInt8(ascii: "v"): return follows("e", at: start + 1) ? start + 2 : nil
        case UInt8(ascii: "l"): return follows("l", at: start + 1) ? start + 2 : nil
        default: return nil
        }
    }

    private func follows(_ letter: Unicode.Scalar, at position: Int) -> Bool {
        position < end && text.bytes[position] == UInt8(ascii: letter)
    }
}
