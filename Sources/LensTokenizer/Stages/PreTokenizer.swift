import LensCheckpoint
import LensCore

/// How a text is split into the words that are merged by themselves.
struct PreTokenizer: Sendable {
    enum Step: Sendable, Equatable {
        case split(SplitPattern, SplitBehavior, isInverted: Bool)
        /// Each digit alone, or runs of them.
        case digits(individually: Bool)
        case punctuation(SplitBehavior)
        /// A space is put in front of what has none.
        case spaceInFront
        /// Every byte becomes the character that stands for it, for those who split behind `ByteLevel`.
        case byteAlphabet
        /// Spaces become `replacement`, which is put in front too, and words begin with it.
        case metaspace(replacement: [UInt8], inFront: MetaspacePrefix, splits: Bool)
    }

    /// Where `Metaspace` puts its character in front.
    enum MetaspacePrefix: String, Sendable {
        case always
        /// Only at the very beginning of the text.
        case first
        case never
    }

    let steps: [Step]
    /// Whether words are bytes, which the vocabulary spells in `ByteLevelAlphabet`.
    let endsInBytes: Bool

    /// Reads the `pre_tokenizer` of a `tokenizer.json`; `nil` leaves a text whole.
    ///
    /// - Throws: `UNIMPLEMENTED` naming a component that is not supported; `INVALID_ARGUMENT`.
    init(reading value: JSONValue?) throws(LensError) {
        let parts = try Component.all(value, of: "pre_tokenizer", under: "pretokenizers")
        var steps: [Step] = []
        for (index, part) in parts.enumerated() {
            switch part.type {
            case "ByteLevel":
                if try part.flag("add_prefix_space", or: true) { steps.append(.spaceInFront) }
                if try part.flag("use_regex", or: true) {
                    steps.append(.split(.words(.gpt2), .isolated, isInverted: false))
                }
                if index + 1 < parts.count { steps.append(.byteAlphabet) }
            case "Digits": steps.append(.digits(individually: try part.flag("individual_digits", or: false)))
            case "Metaspace": steps.append(try Self.metaspace(part))
            case "Punctuation": steps.append(.punctuation(try Self.behavior(part) ?? .isolated))
            case "Split":
                let isInverted = try part.flag("invert", or: false)
                guard let behavior = try Self.behavior(part) else { throw part.error("Split lacks the key 'behavior'") }
                steps.append(.split(try Self.pattern(part), behavior, isInverted: isInverted))
            default:
                throw part.unsupported("ByteLevel", "Digits", "Metaspace", "Punctuation", "Sequence", "Split")
            }
        }
        // Real ones have them once; often enough, they would make a text as long as they like.
        for type in ["ByteLevel", "Metaspace"] {
            if let second = parts.filter({ $0.type == type }).dropFirst().first {
                throw second.error("has \(type) more than once, which is not supported", code: .unimplemented)
            }
        }
        self.steps = steps
        endsInBytes = parts.last?.type == "ByteLevel"
    }

    private static func pattern(_ part: Component) throws(LensError) -> SplitPattern {
        let (text, expression) = try part.pattern()
        if let text { return .text(text) }
        guard let pattern = SplitPattern(expression: expression) else { throw part.unknownExpression(expression) }
        return pattern
    }

    private static func behavior(_ part: Component) throws(LensError) -> SplitBehavior? {
        guard let field = part.fields.optional("behavior") else { return nil }
        guard let behavior = SplitBehavior(rawValue: try field.string()) else {
            throw part.unsupported(
                "behavior", "'\(try field.excerpt())'",
                expected: SplitBehavior.allCases.map(\.rawValue).joined(separator: ", "))
        }
        return behavior
    }

    private static func metaspace(_ part: Component) throws(LensError) -> Step {
        .metaspace(
            replacement: try part.character("replacement"), inFront: try metaspacePrefix(part),
            splits: try part.flag("split", or: true))
    }

    /// Of the pre-tokenizer and the decoder `Metaspace`.
    static func metaspacePrefix(_ part: Component) throws(LensError) -> MetaspacePrefix {
        var prefix = MetaspacePrefix.always
        if let field = part.fields.optional("prepend_scheme") {
            guard let known = MetaspacePrefix(rawValue: try field.string()) else {
                throw part.unsupported("prepend_scheme", "'\(try field.excerpt())'", expected: "always, first, never")
            }
            prefix = known
        }
        // From before there was a scheme. The library refuses the two when they differ.
        guard try part.flag("add_prefix_space", or: true) || prefix == .never else {
            throw part.error("Metaspace's add_prefix_space false does not go with prepend_scheme '\(prefix)'")
        }
        return prefix
    }

    // MARK: Splitting

    /// Visits the words of a part of a text in their order.
    ///
    /// - Parameter isFirst: whether nothing of the whole text stands before it.
    func forEachWord(
        of text: ValidUTF8, in range: Range<Int>, isFirst: Bool, _ body: (ValidUTF8, Range<Int>) -> Void
    ) {
        split(text, range, isFirst, by: steps[...], body)
    }

    private func split(
        _ text: ValidUTF8, _ range: Range<Int>, _ isFirst: Bool, by steps: ArraySlice<Step>,
        _ body: (ValidUTF8, Range<Int>) -> Void
    ) {
        guard !range.isEmpty else { return }
        guard let step = steps.first else { return body(text, range) }
        let rest = steps.dropFirst()
        func go(on pieces: some Sequence<Range<Int>>) {
            for piece in pieces {
                split(text, piece, isFirst && piece.lowerBound == range.lowerBound, by: rest, body)
            }
        }
        func go(on bytes: [UInt8]) {
            split(ValidUTF8(bytes), 0..<bytes.count, isFirst, by: rest, body)
        }
        switch step {
        case .split(.words(let rules), .isolated, isInverted: false),
            .split(.words(let rules), .removed, isInverted: true):
            let words = WordScanner(text, in: range, by: rules)
            if rest.isEmpty {
                for word in words { body(text, word) }
            } else {
                go(on: words)
            }
        case .split(let pattern, let behavior, let isInverted):
            go(on: behavior.pieces(of: Self.segments(text, range, pattern, isInverted)))
        case .digits(let individually):
            let behavior = individually ? SplitBehavior.isolated : .contiguous
            go(on: behavior.pieces(of: Self.segments(text, range, .digit)))
        case .punctuation(let behavior):
            go(on: behavior.pieces(of: Self.segments(text, range, .punctuation)))
        case .spaceInFront:
            let space = UInt8(ascii: " ")
            if text.bytes[range.lowerBound] == space { return go(on: CollectionOfOne(range)) }
            go(on: [space] + text.bytes[range])
        case .byteAlphabet: go(on: text.bytes[range].flatMap { ByteLevelAlphabet.spelling(of: $0) })
        case .metaspace(let replacement, let prefix, let splits):
            var bytes = text.replacing([UInt8(ascii: " ")], by: replacement, in: range)
            if prefix == .always || prefix == .first && isFirst, !bytes.starts(with: replacement) {
                bytes = replacement + bytes
            }
            guard splits else { return go(on: bytes) }
            let changed = ValidUTF8(bytes)
            let segments = Self.segments(changed, 0..<bytes.count, .text(replacement), false)
            for piece in SplitBehavior.mergedWithNext.pieces(of: segments) {
                split(changed, piece, isFirst && piece.lowerBound == 0, by: rest, body)
            }
        }
    }

    /// A text cut into what a pattern matches and what is between.
    private static func segments(
        _ text: ValidUTF8, _ range: Range<Int>, _ pattern: SplitPattern, _ isInverted: Bool
    ) -> [SplitBehavior.Segment] {
        var segments: [SplitBehavior.Segment] = []
        var position = range.lowerBound
        while position < range.upperBound {
            let match = pattern.match(in: text, from: position, to: range.upperBound)
            let start = match?.lowerBound ?? range.upperBound
            if position < start { segments.append(.init(range: position..<start, isMatch: isInverted)) }
            if let match { segments.append(.init(range: match, isMatch: !isInverted)) }
            position = match?.upperBound ?? range.upperBound
        }
        return segments
    }

    /// A text cut into the characters of a class and what is between.
    private static func segments(
        _ text: ValidUTF8, _ range: Range<Int>, _ kind: CharacterClass
    ) -> [SplitBehavior.Segment] {
        var segments: [SplitBehavior.Segment] = []
        var done = range.lowerBound
        var position = range.lowerBound
        while position < range.upperBound {
            let (found, length) = text.classed(at: position)
            if found.isAny(of: kind) {
                if done < position { segments.append(.init(range: done..<position, isMatch: false)) }
                segments.append(.init(range: position..<position + length, isMatch: true))
                done = position + length
            }
            position += length
        }
        if done < range.upperBound { segments.append(.init(range: done..<range.upperBound, isMatch: false)) }
        return segments
    }
}
