import LensCore
import LensTestSupport
import LensTokenizer
import Testing

/// Against the `tokenizers` library; sequences of characters are in `TokenizerFuzzTests`.
struct NormalizationFormTests {
    @Test func everyCharacterBecomesWhatTheLibraryMakesOfIt() throws {
        var differing: [String] = []
        var count = 0
        try Fixtures.json("tokenizer/normalization.json").forEachElement { value throws(LensError) in
            let fields = try value.object()
            let form = try NormalizationForm(rawValue: fields.required("form").string())
            let first = try fields.required("first").integer(in: 0...0x110000)
            let codes = (first..<first + 4096).compactMap { Unicode.Scalar(UInt32($0)).map { String(Character($0)) } }
            var sum: UInt64 = 0
            for byte in (form?.normalized(codes.joined(separator: "\n")) ?? "").utf8 {
                sum = sum &* 1_099_511_628_211 &+ UInt64(byte)
            }
            let expected = UInt64(try fields.required("sum").string(), radix: 16)
            if sum != expected { differing.append("\(try fields.required("form").string()) of \(first)...") }
            count += 1
        }
        #expect(differing.isEmpty)
        #expect(count == 4 * 272)
    }

    @Test func manyMarksTakeNoQuadraticTime() {
        let marks = String(repeating: "\u{0323}\u{0301}\u{0334}", count: 200_000)
        let start = ContinuousClock.now
        let text = NormalizationForm.nfc.normalized("a" + marks)
        #expect(text.unicodeScalars.count > 500_000)
        #expect(ContinuousClock.now - start < .seconds(5))
    }
}
