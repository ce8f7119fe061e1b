/// What GPT-2's splitting pattern tells characters apart by: `\p{L}`, `\p{N}`, `\s`, and the rest.
package enum CharacterClass: Sendable {
    case letter
    case number
    case space
    case other

    /// The Unicode version of the `tokenizers` library's pattern engine. Ids must not change with the Swift runtime's
    /// version, so characters assigned later are of class `other`, as they are there.
    private static let unicodeVersion = 16

    @inline(__always)
    package init(_ scalar: Unicode.Scalar) {
        switch scalar.value {
        case 0x61...0x7A, 0x41...0x5A: self = .letter
        case 0x30...0x39: self = .number
        case 0x20, 0x09...0x0D: self = .space
        case ..<0x80: self = .other
        default: self = Self.beyondASCII(scalar)
        }
    }

    private static func beyondASCII(_ scalar: Unicode.Scalar) -> CharacterClass {
        switch scalar.value {
        case 0x85, 0xA0, 0x1680, 0x2000...0x200A, 0x2028, 0x2029, 0x202F, 0x205F, 0x3000: return .space
        default: break
        }
        let isKnown = scalar.properties.age.map { $0.major <= unicodeVersion } ?? false
        switch scalar.properties.generalCategory {
        case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter:
            return isKnown ? .letter : .other
        case .decimalNumber, .letterNumber, .otherNumber:
            return isKnown ? .number : .other
        default:
            return .other
        }
    }

    /// Whether a character is of `\w`, by which added tokens know a single word.
    static func isWord(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .nonspacingMark, .spacingMark, .enclosingMark, .decimalNumber, .connectorPunctuation: true
        default: scalar.properties.isAlphabetic || scalar.properties.isJoinControl
        }
    }
}
