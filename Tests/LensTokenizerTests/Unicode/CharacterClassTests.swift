import LensCore
import LensTestSupport
import LensTokenizer
import Testing

struct CharacterClassTests {
    /// Every character of Unicode, against the classes as the `tokenizers` library's pattern engine sees them. Fails
    /// when the library's Unicode version moves on.
    @Test func everyCharacterIsOfTheLibrarysClass() throws {
        let kinds: [String: CharacterClass] = [
            "letter": .letter, "number": .number, "space": .space, "uppercase": .uppercase, "lowercase": .lowercase,
            "other letter": .otherLetter, "mark": .mark,
        ]
        var seen = 0
        try Fixtures.json("tokenizer/classes.json").forEachElement { value throws(LensError) in
            let fields = try value.object()
            let name = try fields.required("class").string()
            guard let kind = kinds[name] else {
                Issue.record("no class \(name)")
                return
            }
            var isOfClass = [Bool](repeating: false, count: 0x110000)
            try fields.required("ranges").forEachElement { range throws(LensError) in
                var bounds: [Int] = []
                try range.forEachElement { bound throws(LensError) in bounds.append(try bound.integer(in: 0...0x10FFFF))
                }
                for code in bounds[0]...bounds[1] { isOfClass[code] = true }
            }
            var differing: [String] = []
            for code in isOfClass.indices {
                guard let scalar = Unicode.Scalar(UInt32(code)) else { continue }
                if CharacterClass(scalar).isAny(of: kind) != isOfClass[code] {
                    differing.append(String(code, radix: 16))
                }
            }
            #expect(differing.isEmpty, "\(name)")
            #expect(isOfClass.contains(true))
            seen += 1
        }
        #expect(seen == kinds.count)
    }
}
