import LensReport
import Testing

@Suite struct VisibleTextTests {
    // No argument of a test: the runner prints those to the terminal as they are.
    private static let cases = [
        (" girl", "·girl"),
        ("\n", "↵"),
        ("\t\t", "⇥⇥"),
        ("\r\n", "\\u{d}↵"),
        ("\u{1B}[31mred\u{7}", "\\u{1b}[31mred\\u{7}"),
        ("\u{9B}2J", "\\u{9b}2J"),
        ("a\u{202E}b\u{2066}", "a\\u{202e}b\\u{2066}"),
        ("\u{2028}\u{2029}\u{85}", "\\u{2028}\\u{2029}\\u{85}"),
        ("\u{A0}\u{3000}", "\\u{a0}\\u{3000}"),
        ("\u{FEFF}\u{200B}\u{AD}", "\\u{feff}\\u{200b}\\u{ad}"),
        ("\u{E0041}\u{E0100}\u{3164}", "\\u{e0041}\\u{e0100}\\u{3164}"),
        ("\u{E000}", "\\u{e000}"),
        ("\0", "\\u{0}"),
        ("a·b↵⇥", "a\\u{b7}b\\u{21b5}\\u{21e5}"),
        ("\u{301}x", "◌\u{301}x"),
        ("e\u{301}", "e\u{301}"),
        ("❤\u{FE0F}", "❤\u{FE0F}"),
        ("שלום \u{FFFD}", "שלום·\u{FFFD}"),
        ("", ""),
    ]

    @Test(arguments: cases.indices)
    func tokens(index: Int) {
        let (text, expected) = Self.cases[index]
        #expect(Array(VisibleText.token(text).unicodeScalars) == Array(expected.unicodeScalars))
    }

    @Test func linesKeepTheirSpaces() {
        #expect(VisibleText.line("a b · c\nd\u{1B}") == "a b · c↵d\\u{1b}")
    }

    /// Whatever comes in, nothing comes out that a terminal obeys or that reorders text.
    @Test func noScalarActs() {
        for value in UInt32(0)...0x10FFFF {
            guard let scalar = Unicode.Scalar(value) else { continue }
            for shown in VisibleText.token(String(scalar)).unicodeScalars {
                switch shown.properties.generalCategory {
                case .control, .format, .lineSeparator, .paragraphSeparator, .spaceSeparator:
                    Issue.record("U+\(String(value, radix: 16)) came out as it is")
                default: continue
                }
            }
        }
    }
}
