/// What tokenizers tell characters apart by, each class as the part of the `tokenizers` library sees it that asks for it
/// (`unicode-tables.py`): not by the Swift runtime's version of Unicode, with which ids must not change.
package struct CharacterClass: OptionSet, Sendable, Hashable {
    package let rawValue: UInt16

    @inline(__always)
    package init(rawValue: UInt16) { self.rawValue = rawValue }

    /// `\p{Lu}` and `\p{Lt}`
    package static let uppercase = CharacterClass(rawValue: 0x01)
    /// `\p{Ll}`
    package static let lowercase = CharacterClass(rawValue: 0x02)
    /// `\p{Lm}` and `\p{Lo}`
    package static let otherLetter = CharacterClass(rawValue: 0x04)
    /// `\p{M}`
    package static let mark = CharacterClass(rawValue: 0x08)
    /// `\p{N}`
    package static let number = CharacterClass(rawValue: 0x10)
    /// `\s`, the same for all parts
    package static let space = CharacterClass(rawValue: 0x20)
    /// `\w`, by which added tokens know a single word
    package static let word = CharacterClass(rawValue: 0x40)
    /// What the component Punctuation splits at
    package static let punctuation = CharacterClass(rawValue: 0x80)
    /// What the component Digits splits at
    package static let digit = CharacterClass(rawValue: 0x100)

    /// `\p{L}`
    package static let letter: CharacterClass = [.uppercase, .lowercase, .otherLetter]

    package init(_ scalar: Unicode.Scalar) { self = CharacterClasses.all[scalar.value] }

    /// Whether the character is of one of these classes.
    @inline(__always)
    package func isAny(of others: CharacterClass) -> Bool { rawValue & others.rawValue != 0 }
}

/// The classes of every character.
struct CharacterClasses: Sendable {
    static let all = CharacterClasses()

    private let table = CharacterTable(runs: UnicodeTables.classes)

    private init() {}

    /// The classes of a code point.
    @inline(__always)
    subscript(code: UInt32) -> CharacterClass { CharacterClass(rawValue: table[code]) }
}
