/// Text in which everything can be seen and nothing acts: safe for terminals, pages and logs.
///
/// A user's text may hold control characters (a terminal obeys them), bidirectional overrides (they reorder what
/// stands around them) and characters without any picture. All of these are written as `\u{…}`.
public enum VisibleText {
    /// A token: space `·`, newline `↵`, tab `⇥`, everything else invisible as `\u{…}`.
    ///
    /// A token that begins with a combining mark gets a dotted circle to stand on.
    public static func token(_ text: String) -> String {
        written(text, isToken: true)
    }

    /// Running text on one line: as ``token(_:)``, but spaces stay spaces.
    public static func line(_ text: String) -> String {
        written(text, isToken: false)
    }

    private static let space: Unicode.Scalar = "·"
    private static let newline: Unicode.Scalar = "↵"
    private static let tab: Unicode.Scalar = "⇥"
    private static let dottedCircle: Unicode.Scalar = "◌"

    private static func written(_ text: String, isToken: Bool) -> String {
        var result = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            switch scalar {
            case " ": result.append(isToken ? space : scalar)
            case "\n": result.append(newline)
            case "\t": result.append(tab)
            // The marks themselves, so that a space is never taken for one of them.
            case newline, tab: result.append(contentsOf: escape(scalar))
            case space where isToken: result.append(contentsOf: escape(scalar))
            case _ where !isVisible(scalar): result.append(contentsOf: escape(scalar))
            default:
                if isToken, result.isEmpty, isMark(scalar) { result.append(dottedCircle) }
                result.append(scalar)
            }
        }
        return String(result)
    }

    private static func escape(_ scalar: Unicode.Scalar) -> String.UnicodeScalarView {
        "\\u{\(String(scalar.value, radix: 16))}".unicodeScalars
    }

    private static func isVisible(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator, .spaceSeparator, .surrogate, .privateUse,
            .unassigned:
            return false
        default:
            // Emoji need U+FE0E and U+FE0F; other variation selectors can hide text.
            return !scalar.properties.isDefaultIgnorableCodePoint || (0xFE0E...0xFE0F).contains(scalar.value)
        }
    }

    private static func isMark(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .nonspacingMark, .enclosingMark, .spacingMark: true
        default: false
        }
    }
}
