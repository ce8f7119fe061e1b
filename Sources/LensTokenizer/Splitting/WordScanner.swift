/// Splits text into the words that are merged by themselves, by the rules of one of the known patterns.
///
/// Each character is looked at a few times at most, whatever the text.
struct WordScanner: Sequence, IteratorProtocol {
    private let text: ValidUTF8
    private let rules: SplitRules
    private var position: Int
    private let end: Int

    /// Splits a part of a text as if nothing stood around it.
    init(_ text: ValidUTF8, in range: Range<Int>, by rules: SplitRules) {
        self.text = text
        self.rules = rules
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
        let lead = text.bytes[start]
        let (first, length) = text.classed(at: start)
        if lead == UInt8(ascii: "'"), rules.contractions == .lowercase || rules.contractions == .anyCase,
            let end = endOfContraction(from: start)
        {
            return end
        }
        if let end = endOfLetters(from: start, first, length) { return end }
        if first.isAny(of: .number) { return endOfNumber(from: start) }
        let afterSpace = lead == UInt8(ascii: " ") && start + 1 < end ? start + 1 : nil
        if case .afterSpace = rules.numbers, let afterSpace, text.classed(at: afterSpace).0.isAny(of: .number) {
            return endOfNumber(from: afterSpace)
        }
        if !first.isAny(of: notOther) { return endOfOthers(from: start) }
        if let afterSpace, !text.classed(at: afterSpace).0.isAny(of: notOther) {
            return endOfOthers(from: afterSpace)
        }
        return endOfSpaces(from: start)
    }

    // MARK: Letters

    private func endOfLetters(from start: Int, _ first: CharacterClass, _ length: Int) -> Int? {
        switch rules.letters {
        case .afterSpace:
            if first.isAny(of: .letter) { return endOfRun(of: .letter, from: start + length) }
            return text.bytes[start] == UInt8(ascii: " ") ? runOfOneOrMore(.letter, from: start + 1) : nil
        case .afterAny:
            if first.isAny(of: .letter) { return endOfRun(of: .letter, from: start + length) }
            return mayStandBeforeLetters(start, first) ? runOfOneOrMore(.letter, from: start + length) : nil
        case .withMarksAfterAny:
            let letters: CharacterClass = [.letter, .mark]
            if first.isAny(of: letters) { return endOfRun(of: letters, from: start + length) }
            return mayStandBeforeLetters(start, first) ? runOfOneOrMore(letters, from: start + length) : nil
        case .byCaseAfterAny:
            guard let end = endOfCasedWord(from: start, first, length) else { return nil }
            guard rules.contractions == .endOfWord, end < self.end, text.bytes[end] == UInt8(ascii: "'") else {
                return end
            }
            return endOfContraction(from: end) ?? end
        }
    }

    /// `[^\r\n\p{L}\p{N}]`
    private func mayStandBeforeLetters(_ position: Int, _ kind: CharacterClass) -> Bool {
        let lead = text.bytes[position]
        return !kind.isAny(of: [.letter, .number]) && lead != UInt8(ascii: "\r") && lead != UInt8(ascii: "\n")
    }

    private func endOfCasedWord(from start: Int, _ first: CharacterClass, _ length: Int) -> Int? {
        // A mark is a letter here as well as what may stand before letters, so both ways are tried.
        let behind = mayStandBeforeLetters(start, first) ? start + length : nil
        return behind.flatMap(endOfLowercase) ?? endOfLowercase(from: start)
            ?? behind.flatMap { runOfOneOrMore(Self.uppercase, from: $0) }
            ?? runOfOneOrMore(Self.uppercase, from: start)
    }

    private static let uppercase: CharacterClass = [.uppercase, .otherLetter, .mark]
    private static let lowercase: CharacterClass = [.lowercase, .otherLetter, .mark]

    /// `[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+`: where the first part took what the second needs, it
    /// gives back the last such character.
    private func endOfLowercase(from start: Int) -> Int? {
        var position = start
        var lastOfBoth: Int?
        while position < end {
            let (kind, length) = text.classed(at: position)
            guard kind.isAny(of: Self.uppercase) else {
                return kind.isAny(of: Self.lowercase) ? endOfRun(of: Self.lowercase, from: position) : lastOfBoth
            }
            position += length
            if kind.isAny(of: Self.lowercase) { lastOfBoth = position }
        }
        return lastOfBoth
    }

    /// What follows the apostrophe at `start` in one of the seven English contractions.
    private func endOfContraction(from start: Int) -> Int? {
        let foldsCase = rules.contractions != .lowercase
        func letter(at position: Int) -> UInt8 {
            guard position < end else { return 0 }
            let byte = text.bytes[position]
            return foldsCase && UInt8(ascii: "A")...UInt8(ascii: "Z") ~= byte ? byte | 0x20 : byte
        }
        switch letter(at: start + 1) {
        case UInt8(ascii: "s"), UInt8(ascii: "t"), UInt8(ascii: "m"), UInt8(ascii: "d"): return start + 2
        case UInt8(ascii: "r"), UInt8(ascii: "v"): return letter(at: start + 2) == UInt8(ascii: "e") ? start + 3 : nil
        case UInt8(ascii: "l"): return letter(at: start + 2) == UInt8(ascii: "l") ? start + 3 : nil
        case 0xC5 where foldsCase && letter(at: start + 2) == 0xBF: return start + 3  // ſ
        default: return nil
        }
    }

    // MARK: Numbers, others, white space

    private func endOfNumber(from start: Int) -> Int {
        guard case .upTo(let most) = rules.numbers else { return endOfRun(of: .number, from: start) }
        var position = start
        for _ in 0..<most where position < end {
            let (kind, length) = text.classed(at: position)
            guard kind.isAny(of: .number) else { break }
            position += length
        }
        return position
    }

    /// What is no "other" character: `[\s\p{L}\p{N}]`, with marks where they belong to the letters.
    private var notOther: CharacterClass {
        rules.letters == .withMarksAfterAny ? [.letter, .number, .space, .mark] : [.letter, .number, .space]
    }

    private func endOfOthers(from start: Int) -> Int {
        let notOther = notOther
        var position = start
        while position < end {
            let (kind, length) = text.classed(at: position)
            guard !kind.isAny(of: notOther) else { break }
            position += length
        }
        guard rules.ending != .none else { return position }
        while position < end {
            let byte = text.bytes[position]
            let isSlash = byte == UInt8(ascii: "/") && rules.ending == .lineEndsAndSlashes
            guard isSlash || byte == UInt8(ascii: "\r") || byte == UInt8(ascii: "\n") else { break }
            position += 1
        }
        return position
    }

    /// `\s+(?!\S)|\s+`: all white space at the end of the text, elsewhere all but the last, or a single one; before that
    /// `\s*[\r\n]+`, up to the last line end.
    private func endOfSpaces(from start: Int) -> Int {
        var position = start
        var last = start
        var afterLineEnd: Int?
        while position < end {
            let (kind, length) = text.classed(at: position)
            guard kind.isAny(of: .space) else { return afterLineEnd ?? (last > start ? last : position) }
            last = position
            position += length
            if rules.cutsAfterLineEnds, text.bytes[last] == UInt8(ascii: "\n") || text.bytes[last] == UInt8(ascii: "\r")
            {
                afterLineEnd = position
            }
        }
        return afterLineEnd ?? position
    }

    // MARK: Runs

    private func endOfRun(of kinds: CharacterClass, from start: Int) -> Int {
        var position = start
        while position < end {
            let (kind, length) = text.classed(at: position)
            guard kind.isAny(of: kinds) else { break }
            position += length
        }
        return position
    }

    private func runOfOneOrMore(_ kinds: CharacterClass, from start: Int) -> Int? {
        let end = endOfRun(of: kinds, from: start)
        return end > start ? end : nil
    }
}
