import Foundation
import LensReport
import Testing

@Suite struct ScriptJSONTests {
    // No argument of a test: the runner prints those to the terminal as they are.
    private static let texts = [
        "</script><script>alert(1)</script>", "<!--", "-->", "]]>", "&amp;", "\u{2028}\u{2029}", "\"\\\u{7F}\u{85}",
        "\u{202E}abc", "\0\u{1}\n\r\t", "😀\u{E0041}", "café", "",
    ]

    @Test(arguments: texts.indices)
    func stringsAreInertAndComeBack(index: Int) throws {
        let text = Self.texts[index]
        let json = ScriptJSON.string(text).text
        #expect(json.utf8.allSatisfy { (0x20...0x7E).contains($0) })
        #expect(!json.contains("<") && !json.contains(">") && !json.contains("&"))
        let back = try JSONSerialization.jsonObject(with: Data(json.utf8), options: .fragmentsAllowed)
        #expect((back as? String).map { Array($0.unicodeScalars) } == Array(text.unicodeScalars))
    }

    @Test func numbersAreExactAndFinite() throws {
        let json = ScriptJSON.array([
            .number(.nan), .float(.infinity), .number(1e-7), .number(0.1), .float(0.1), .integer(-3), .null,
            .bool(true),
        ]).text
        #expect(json == "[null,null,1e-07,0.1,0.1,-3,null,true]")
        #expect(throws: Never.self) { try JSONSerialization.jsonObject(with: Data(json.utf8)) }
    }

    @Test func objectsKeepTheirOrderAndEscapeTheirNames() {
        #expect(ScriptJSON.object([("b<", .integer(1)), ("a", .array([]))]).text == "{\"b\\u003c\":1,\"a\":[]}")
    }

    @Test(arguments: 0...67)
    func base64AsFoundationWritesIt(count: Int) {
        let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 151 &+ 250) }
        #expect(ScriptJSON.base64(bytes).text == "\"" + Data(bytes).base64EncodedString() + "\"")
    }
}
