import Glibc
import LensCheckpoint
import LensCore
import LensTestSupport
import LensTokenizer
import Testing

/// Random tokenizers on random strings, encoded by the `tokenizers` library (`Fixtures/tokenizer_fuzz.py`).
struct TokenizerFuzzTests {
    @Test func fixture() throws {
        #expect(try Self.compare(Fixtures.path("tokenizer/fuzz.json")) >= 1400)
    }

    /// A longer run's file, named by the environment.
    @Test(.enabled(if: getenv("LENS_TOKENIZER_FUZZ") != nil))
    func longRun() throws {
        let path = try #require(getenv("LENS_TOKENIZER_FUZZ").map { String(cString: $0) })
        print("\(try Self.compare(path)) strings compared")
    }

    private static func compare(_ path: String) throws -> Int {
        var count = 0
        var differences = 0
        try JSONValue(parsing: Fixtures.bytes(at: path), file: path).forEachElement { block throws(LensError) in
            let fields = try block.object()
            let name = try fields.required("name").string()
            let tokenizer = try Tokenizer(
                reading: JSONFile(name: name, bytes: try fields.required("tokenizer").utf8()))
            try fields.required("cases").forEachElement { value throws(LensError) in
                let fields = try value.object()
                let text = try fields.required("text").string()
                var expected: [Int32] = []
                try fields.required("ids").forEachElement { id throws(LensError) in
                    expected.append(Int32(try id.integer(in: 0...1 << 30)))
                }
                count += 1
                let tokens = tokenizer.encode(text)
                if tokens != expected {
                    differences += 1
                    if differences <= 20 {
                        Issue.record("\(name): \(text.debugDescription): expected \(expected); found \(tokens)")
                    }
                }
            }
        }
        #expect(differences == 0)
        return count
    }
}
