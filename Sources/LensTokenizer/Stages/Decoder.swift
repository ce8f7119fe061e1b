import LensCheckpoint
import LensCore

/// How the spellings of tokens become text again: each token's by itself, then all of them joined, then the whole.
struct Decoder: Sendable {
    /// What is done to each token's spelling.
    enum Step: Sendable, Equatable {
        case replace([UInt8], by: [UInt8])
        case strip([UInt8], start: Int, end: Int)
        /// `replacement` becomes a space; in the first token of all it vanishes where the tokenizer had put it there.
        case metaspace(replacement: [UInt8], isPrefix: Bool)
    }

    enum Joining: Sendable, Equatable {
        /// Spellings in `ByteLevelAlphabet` become bytes; broken UTF-8 becomes U+FFFD.
        case bytes
        /// Tokens such as `<0xE2>` become bytes; a run of them that is no UTF-8 becomes as many U+FFFD.
        case byteFallback
        case text
    }

    let steps: [Step]
    let joining: Joining
    /// What is taken from the beginning of the whole, and how often at most.
    let leading: (content: [UInt8], count: Int)?

    /// Reads the `decoder` of a `tokenizer.json`.
    ///
    /// - Throws: `UNIMPLEMENTED` naming a component that is not supported, or not where it stands; `INVALID_ARGUMENT`.
    init(reading value: JSONValue) throws(LensError) {
        var steps: [Step] = []
        var joining: Joining?
        var isJoined = false
        var leading: (content: [UInt8], count: Int)?
        var growth = 1
        for part in try Component.all(value, of: "decoder", under: "decoders") {
            let isEach = joining == nil && !isJoined
            switch part.type {
            case "ByteLevel" where isEach: (joining, isJoined) = (.bytes, true)
            case "ByteFallback" where isEach: joining = .byteFallback
            case "Fuse": isJoined = true
            case "Replace" where isEach:
                let (text, expression) = try part.pattern()
                guard let text else { throw part.unknownExpression(expression) }
                let content = try part.text("content")
                growth *= max(1, (content.count + text.count - 1) / text.count)
                guard growth <= Normalizer.growthLimit else {
                    throw part.error("may make a token more than \(Normalizer.growthLimit) times as long")
                }
                steps.append(.replace(text, by: content))
            case "Metaspace" where isEach:
                let prefix = try PreTokenizer.metaspacePrefix(part)
                steps.append(.metaspace(replacement: try part.character("replacement"), isPrefix: prefix != .never))
            case "Strip" where isEach || isJoined && leading == nil:
                let content = try part.character("content")
                let start = try part.fields.required("start").integer(in: 0...1 << 20)
                let end = try part.fields.required("stop").integer(in: 0...1 << 20)
                if isEach {
                    steps.append(.strip(content, start: start, end: end))
                } else if end == 0 {
                    leading = (content, start)
                } else {
                    throw part.unsupported("stop", "\(end) behind Fuse", expected: "0")
                }
            case "ByteLevel", "ByteFallback", "Replace", "Metaspace", "Strip":
                throw part.error("'\(part.type)' is not supported behind what joins tokens", code: .unimplemented)
            default:
                throw part.unsupported(
                    "ByteFallback", "ByteLevel", "Fuse", "Metaspace", "Replace", "Sequence", "Strip")
            }
        }
        self.steps = steps
        self.joining = joining ?? .text
        self.leading = leading
    }

    /// A token's spelling before it is joined to the others'.
    func prepared(_ spelling: [UInt8], isFirst: Bool) -> [UInt8] {
        var text = spelling
        for step in steps {
            switch step {
            case .replace(let part, let content):
                text = ValidUTF8(text).replacing(part, by: content, in: 0..<text.count)
            case .strip(let content, let start, let end): text = Self.stripped(text, of: content, start, end)
            case .metaspace(let replacement, let isPrefix):
                let space = isFirst && isPrefix ? [] : [UInt8(ascii: " ")]
                text = ValidUTF8(text).replacing(replacement, by: space, in: 0..<text.count)
            }
        }
        return joining == .bytes ? ByteLevelAlphabet.bytes(of: text) : text
    }

    private static func stripped(_ text: [UInt8], of content: [UInt8], _ start: Int, _ end: Int) -> [UInt8] {
        var rest = text[...]
        for _ in 0..<min(start, text.count) where rest.starts(with: content) { rest.removeFirst(content.count) }
        for _ in 0..<min(end, text.count) where rest.suffix(content.count).elementsEqual(content) {
            rest.removeLast(content.count)
        }
        return Array(rest)
    }

    /// The byte that a token such as `<0x0A>` stands for.
    static func fallbackByte(_ text: [UInt8]) -> UInt8? {
        guard text.count == 6, text.starts(with: "<0x".utf8), text.last == UInt8(ascii: ">") else { return nil }
        return UInt8(String(decoding: text[3..<5], as: UTF8.self), radix: 16)
    }
}
