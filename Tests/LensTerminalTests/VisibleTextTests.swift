import LensTerminal
import Testing

@Suite struct VisibleTextTests {
    private let unicode = Terminal(hasUnicode: true)

    @Test func spacesAndNewlinesOfATokenCanBeSeen() {
        #expect(unicode.visible(token: " Once") == "·Once")
        #expect(unicode.visible(token: ".\n") == ".↵")
        #expect(unicode.visible(token: "") == "∅")
        #expect(Terminal.plain.visible(token: " Once") == "' Once'")
        #expect(Terminal.plain.visible(token: ".\n\t\r") == "'.\\n\\t\\r'")
        #expect(Terminal.plain.visible(token: "it's \\") == "'it\\'s \\\\'")
        #expect(Terminal.plain.visible(token: "é🙂") == "'\\xe9\\U0001f642'")
        #expect(Terminal.plain.visible(token: "") == "''")
    }

    @Test func aLineKeepsItsSpaces() {
        #expect(unicode.visible(line: "a b\nc") == "a b↵c")
        #expect(Terminal.plain.visible(line: "a 'b'\n\u{1B}[2J") == "a 'b'\\n\\x1b[2J")
    }

    @Test func noControlReachesATerminal() {
        for value in 0...0xFFFF {
            guard let scalar = Unicode.Scalar(UInt32(value)) else { continue }
            let text = "a\(scalar)b"
            for shown in [
                unicode.visible(token: text), unicode.visible(line: text), Terminal.plain.visible(token: text),
                Terminal.plain.visible(line: text),
            ] {
                let isSafe = shown.unicodeScalars.allSatisfy {
                    $0.properties.generalCategory != .control && $0.properties.generalCategory != .format
                        && $0.properties.generalCategory != .lineSeparator
                }
                #expect(isSafe, "U+\(String(value, radix: 16)) is shown as \(shown.debugDescription)")
            }
            #expect(Terminal.plain.visible(token: text).utf8.allSatisfy { (0x20..<0x7F).contains($0) })
        }
    }
}
