import LensReport

/// Foreign text made safe and legible: no control character, no mark of direction, nothing invisible gets out.
extension Terminal {
    /// A token with its spaces and newlines to be seen: `·Once`, `.↵`; in ASCII as Python quotes it: `' Once'`, `'.\n'`.
    public func visible(token text: String) -> String {
        guard hasUnicode else {
            return "'" + text.unicodeScalars.map { Self.escaped($0, quote: true) }.joined() + "'"
        }
        return text.isEmpty ? "∅" : VisibleText.token(text)
    }

    /// A line of text whose spaces stay spaces: a message, a name, an excerpt, a line of a log.
    public func visible(line text: String) -> String {
        hasUnicode ? VisibleText.line(text) : text.unicodeScalars.map { Self.escaped($0, quote: false) }.joined()
    }

    /// What stands for text that was cut off.
    public var ellipsis: String { hasUnicode ? "…" : ".." }

    /// As Python writes it: `\n`, `\x1b`, `\u202e`, `\U0001f600`.
    private static func escaped(_ scalar: Unicode.Scalar, quote: Bool) -> String {
        switch scalar {
        case "\n": return "\\n"
        case "\r": return "\\r"
        case "\t": return "\\t"
        case "'" where quote: return "\\'"
        case "\\" where quote: return "\\\\"
        default: break
        }
        if (0x20..<0x7F).contains(scalar.value) { return String(scalar) }
        let (letter, digits) = scalar.value < 0x100 ? ("x", 2) : scalar.value < 0x10000 ? ("u", 4) : ("U", 8)
        let hex = String(scalar.value, radix: 16)
        return "\\" + letter + String(repeating: "0", count: max(digits - hex.count, 0)) + hex
    }
}
