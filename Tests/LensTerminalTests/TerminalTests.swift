import LensTerminal
import Testing

@Suite struct TerminalTests {
    private func terminal(columns: Int? = 100, _ environment: [String: String]) -> Terminal {
        Terminal(columns: columns) { environment[$0] }
    }

    @Test func aPipeGetsPlainASCIIWhateverTheEnvironmentSays() {
        let piped = terminal(columns: nil, ["TERM": "xterm-256color", "COLORTERM": "truecolor", "LANG": "C.UTF-8"])
        #expect(piped == .plain)
    }

    @Test(arguments: [
        (["TERM": "xterm-256color"], Terminal.ColourDepth.indexed),
        (["TERM": "xterm-256color", "COLORTERM": "truecolor"], .direct),
        (["TERM": "xterm-direct"], .direct),
        (["TERM": "dumb", "COLORTERM": "truecolor"], .none),
        (["TERM": "linux"], .none),
        ([:], .none),
        (["TERM": "xterm-256color", "NO_COLOR": "1"], .none),
        (["TERM": "xterm-256color", "NO_COLOR": ""], .indexed),
    ])
    func coloursComeFromTheEnvironment(environment: [String: String], depth: Terminal.ColourDepth) {
        #expect(terminal(environment).colours == depth)
    }

    @Test func theFirstLocaleVariableThatIsSetDecidesOnUnicode() {
        #expect(terminal(["LANG": "en_GB.UTF-8"]).hasUnicode)
        #expect(terminal(["LANG": "C.utf8"]).hasUnicode)
        #expect(!terminal(["LANG": "en_GB.UTF-8", "LC_ALL": "C"]).hasUnicode)
        #expect(terminal(["LANG": "C", "LC_CTYPE": "C.UTF-8", "LC_ALL": ""]).hasUnicode)
        #expect(!terminal([:]).hasUnicode)
    }

    @Test func theWidthIsKeptWithinReason() {
        #expect(terminal(columns: 132, [:]).width == 132)
        #expect(terminal(columns: 3, [:]).width == 40)
        #expect(terminal(columns: 60000, [:]).width == 400)
    }
}
