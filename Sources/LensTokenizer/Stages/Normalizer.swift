import LensCheckpoint
import LensCore

/// What is done to a text before it is split.
struct Normalizer: Sendable {
    enum Step: Sendable, Equatable {
        case unicode(NormalizationForm)
        /// Put in front of what is not empty.
        case prepend([UInt8])
        case replace([UInt8], by: [UInt8])
        /// White space at either end taken away.
        case strip(left: Bool, right: Bool)
    }

    let steps: [Step]

    /// How many times as long a text may become: real ones replace a space by a character of three bytes.
    static let growthLimit = 64

    /// Reads the `normalizer` of a `tokenizer.json`; `nil` changes nothing.
    ///
    /// - Throws: `UNIMPLEMENTED` naming a component that is not supported; `INVALID_ARGUMENT`.
    init(reading value: JSONValue?) throws(LensError) {
        var steps: [Step] = []
        var growth = 1
        for part in try Component.all(value, of: "normalizer", under: "normalizers") {
            switch part.type {
            case "NFC", "NFD", "NFKC", "NFKD":
                guard let form = NormalizationForm(rawValue: part.type) else { continue }
                growth *= form.growth
                steps.append(.unicode(form))
            case "Prepend": steps.append(.prepend(try part.text("prepend")))
            case "Replace":
                let (text, expression) = try part.pattern()
                guard let text else { throw part.unknownExpression(expression) }
                let content = try part.text("content")
                growth *= max(1, (content.count + text.count - 1) / text.count)
                steps.append(.replace(text, by: content))
            case "Strip":
                steps.append(
                    .strip(left: try part.flag("strip_left", or: true), right: try part.flag("strip_right", or: true)))
            default:
                throw part.unsupported("NFC", "NFD", "NFKC", "NFKD", "Prepend", "Replace", "Sequence", "Strip")
            }
            guard growth <= Self.growthLimit else {
                throw part.error("may make a text more than \(Self.growthLimit) times as long")
            }
        }
        self.steps = steps
    }

    /// A part of a text as it is split; `nil` where it stays as it is.
    func normalized(_ text: ValidUTF8, in range: Range<Int>) -> ValidUTF8? {
        var changed: ValidUTF8?
        for step in steps {
            let text = changed ?? text
            let range = changed.map { 0..<$0.bytes.count } ?? range
            guard let bytes = Self.apply(step, to: text, in: range) else { continue }
            changed = ValidUTF8(bytes)
        }
        return changed
    }

    private static func apply(_ step: Step, to text: ValidUTF8, in range: Range<Int>) -> [UInt8]? {
        guard !range.isEmpty else { return nil }
        switch step {
        case .unicode(let form): return form.normalized(text, in: range)
        case .prepend(let prefix): return prefix + text.bytes[range]
        case .replace(let part, let content): return text.replacing(part, by: content, in: range)
        case .strip(let left, let right):
            var (start, end) = (range.lowerBound, range.upperBound)
            while left, start < end, case let (kind, length) = text.classed(at: start), kind.isAny(of: .space) {
                start += length
            }
            while right, start < end, case let (code, length) = text.character(before: end),
                CharacterClasses.all[code].isAny(of: .space)
            {
                end -= length
            }
            return Array(text.bytes[start..<end])
        }
    }
}
