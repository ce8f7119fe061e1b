import LensCore
import LensCheckpoint
import Testing

struct JSONValueTests {
    @Test func readsValues() throws {
        let text = """
             { "s" : "aé\\u00e9\\n\\"\\\\\\/\\ud83d\\ude00" ,
             "i":-12,"d":[1.5e2, 0,-0.25],"t":true,"f":false,"n":null,"o":{}}
            """
        let object = try parse(text).object()
        #expect(try object.required("s").string() == "aéé\n\"\\/\u{1F600}")
        #expect(try object.required("i").integer(in: -20...20) == -12)
        #expect(try object.required("t").bool() && !object.required("f").bool())
        #expect(object.optional("n") == nil && object.optional("absent") == nil)
        var numbers: [Double] = []
        try object.required("d").forEachElement { element throws(LensError) in numbers.append(try element.double()) }
        #expect(numbers == [150, 0, -0.25])
        #expect(try object.required("o").object().members.isEmpty)
        #expect(throws: LensError.invalidArgument("test.json: n must not be null")) { try object.required("n") }
        #expect(throws: LensError.invalidArgument("test.json: s must be a number; found a string")) {
            try object.required("s").integer(in: 0...1)
        }
    }

    @Test(arguments: [
        "", " ", "{", "}", "[", "[1,]", "[,1]", "[1 2]", "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{a:1}", "{'a':1}", "\"",
        "\"a",
        "\"\\x\"", "\"\\u12\"", "\"\\u12g4\"", "\"\\ud800\"", "\"\\ud800\\n\"", "\"\\udc00\"", "\"\\ud800\\ud800\"",
        "\"\n\"",
        "\"\t\"", "01", "+1", ".5", "1.", "1e", "1e+", "-", "--1", "0x10", "NaN", "Infinity", "nul", "nulll", "tru",
        "True",
        "1 1", "[] []", "\u{FEFF}{}", "/**/{}", "{\"a\":1}x",
    ])
    func refusesWhatIsNotJSON(text: String) throws {
        let error = #expect(throws: LensError.self) { try parse(text) }
        #expect(error?.code == .invalidArgument)
        #expect(error?.message.hasPrefix("test.json is not JSON: expected ") == true, "\(error?.message ?? "")")
    }

    @Test func boundsTheNesting() throws {
        func nested(_ depth: Int) -> String {
            String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
        }
        #expect(throws: Never.self) { try parse(nested(65)) }
        for depth in [66, 1_000_000] {
            #expect(throws: LensError.invalidArgument("test.json: JSON is nested deeper than 64 at byte 65")) {
                try parse(nested(depth))
            }
        }
    }

    @Test func refusesRepeatedKeys() throws {
        #expect(throws: LensError.invalidArgument("test.json has the key 'a' twice")) {
            try parse(#"{"a":1,"\u0061":2}"#).object()
        }
    }

    private func parse(_ text: String) throws -> JSONValue {
        try JSONValue(parsing: Array(text.utf8), file: "test.json")
    }
}
