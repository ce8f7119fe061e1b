/// What the component Split looks for: one of the known regular expressions, or a text.
///
/// There is no engine for regular expressions here. The patterns in use are few, and written out as scanners they are
/// several times as fast; each is known by its very text, so that a pattern is followed to the letter or refused.
enum SplitPattern: Sendable, Equatable {
    /// A pattern that makes every character part of some word.
    case words(SplitRules)
    /// BLOOM's: a space and what is no white space or punctuation.
    case bloomWords
    /// `[0-9][0-9][0-9]`
    case threeDigits
    case text([UInt8])

    /// The regular expressions that are known, and who has them.
    private static let known: [(expression: String, pattern: SplitPattern)] = [
        // GPT-2, GPT-Neo, GPT-NeoX and Pythia, OPT, Phi 1 and 2, OLMo 1: what ByteLevel itself splits by
        (
            #"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"#,
            .words(.gpt2)
        ),
        // LLaMA 3, OLMo 2, Phi 4: GPT-4's
        (
            #"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"#,
            .words(.gpt4(numbers: 3))
        ),
        // Qwen 2, 2.5 and 3, StableLM 2
        (
            #"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"#,
            .words(.gpt4(numbers: 1))
        ),
        // Qwen 3.5
        (
            #"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"#,
            .words(.gpt4(numbers: 1, letters: .withMarksAfterAny))
        ),
        // Phi 4 mini, gpt-oss: GPT-4o's
        (
            #"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"#,
            .words(.gpt4o(.endOfWord, numbers: 3))
        ),
        // Mistral NeMo and later
        (
            #"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"#,
            .words(.gpt4o(.none, numbers: 1))
        ),
        // BLOOM
        (#" ?[^(\s|[.,!?…。，、।۔،])]+"#, .bloomWords),
        // Falcon
        ("[0-9][0-9][0-9]", .threeDigits),
    ]

    /// The pattern that a regular expression is; `nil` for an unknown one.
    init?(expression: String) {
        // By bytes: String's own == takes canonically equivalent texts for equal.
        guard let entry = Self.known.first(where: { $0.expression.utf8.elementsEqual(expression.utf8) }) else {
            return nil
        }
        self = entry.pattern
    }

    /// The next place at or after `start` where the pattern matches; `nil` where there is none before `end`.
    func match(in text: ValidUTF8, from start: Int, to end: Int) -> Range<Int>? {
        var position = start
        while position < end {
            let matched: Int?
            switch self {
            case .words(let rules):
                var scanner = WordScanner(text, in: position..<end, by: rules)
                return scanner.next()
            case .bloomWords: matched = Self.endOfBloomWord(in: text, from: position, to: end)
            case .threeDigits:
                let isNumber =
                    position + 3 <= end
                    && text.bytes[position..<position + 3].allSatisfy { UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 }
                matched = isNumber ? position + 3 : nil
            case .text(let part):
                matched = text.holds(part, at: position, before: end) ? position + part.count : nil
            }
            if let matched { return position..<matched }
            position += text.character(at: position).length
        }
        return nil
    }

    private static func endOfBloomWord(in text: ValidUTF8, from start: Int, to end: Int) -> Int? {
        let first = text.bytes[start] == UInt8(ascii: " ") ? start + 1 : start
        var position = first
        while position < end {
            let (code, length) = text.character(at: position)
            guard !breaksBloomWord(code) else { break }
            position += length
        }
        return position > first ? position : nil
    }

    /// `(\s|[.,!?…。，、।۔،])`: within brackets these are single characters, brackets and bar among them.
    private static func breaksBloomWord(_ code: UInt32) -> Bool {
        switch Unicode.Scalar(code) {
        case "(", ")", "|", ".", ",", "!", "?", "…", "。", "，", "、", "।", "۔", "،": true
        default: CharacterClasses.all[code].isAny(of: .space)
        }
    }
}
