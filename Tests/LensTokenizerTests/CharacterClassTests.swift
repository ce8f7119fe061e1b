import LensCore
import LensTestSupport
import LensTokenizer
import Testing

struct CharacterClassTests {
    /// Every character of Unicode, against the classes as the `tokenizers` library's pattern engine sees them. Fails
    /// when either side's Unicode version moves on.
    @Test func everyCharacterIsOfTheLibrarysClass() throws {
        var classes = [CharacterClass](repeating: .other, count: 0x110000)
        try Fixtures.json("tokenizer/classes.json").forEachElement { value throws(LensError) in
            let fields = try value.object()
            let kinds: [String: CharacterClass] = ["letter": .letter, "number": .number, "space": .space]
            let kind = kinds[try fields.required("class").string()] ?? .other
            try fields.required("ranges").forEachElement { range throws(LensError) in
                var bounds: [Int] = []
                try range.forEachElement { bound throws(LensError) in bounds.append(try bound.integer(in: 0...0x10FFFF))
                }
                for code in bounds[0]...bounds[1] { classes[code] = kind }
            }
        }
        var differing: [String] = []
        for code in classes.indices {
            guard let scalar = Unicode.Scalar(UInt32(code)) else { continue }
            if CharacterClass(scalar) != classes[code] { differing.append(String(code, radix: 16)) }
        }
        #expect(differing.isEmpty)
        #expect(classes.contains(.letter) && classes.contains(.number) && classes.contains(.space))
    }
}
