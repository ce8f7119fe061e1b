import ArgumentParser
import LensCore
import LensTerminal

struct Logs: ConsoleCommand {
    static let configuration = CommandConfiguration(
        abstract: "Read the log of your own daemon.",
        discussion: """
            Examples:
              lensctl logs -n 50
              lensctl logs -f
            """)

    @Option(name: [.customShort("n"), .long], help: ArgumentHelp("How many lines of its end to show.", valueName: "n"))
    var lines = 20
    @Flag(name: .shortAndLong, help: "Go on with what is written, until Ctrl-C.")
    var follow = false
    @Option(
        help: ArgumentHelp("The state's folder. Default: $LENSD_STATE, else $XDG_STATE_HOME/lensd.", valueName: "dir"))
    var state: String?
    @OptionGroup(title: "Everywhere") var global: GlobalOptions

    func validate() throws {
        guard lines >= 0 else { throw ValidationError("--lines must be 0 or more; received \(lines)") }
        guard !(follow && global.json) else {
            throw ValidationError("--follow has no end, so it is no JSON object; give one of the two")
        }
    }

    func run(on console: Console) async throws {
        let path = try (state ?? OwnDaemon.defaultState()) + "/lensd.log"
        let log = try LogFile(at: path)
        let tail = log.tail(lines)
        console.answer(
            .object([
                ("schema", .integer(1)), ("log", .string(path)), ("lines", .array(tail.map { .string($0) })),
            ])
        ) { shown(tail, on: $0) }
        while follow {
            try await Task.sleep(for: .milliseconds(200))
            let lines = log.newLines()
            if !lines.isEmpty { console.answer(.null) { shown(lines, on: $0) } }
        }
    }

    /// As they are for a pipe; what could act on a terminal is shown there, not obeyed.
    private func shown(_ lines: [String], on terminal: Terminal) -> [StyledText] {
        lines.map { StyledText(terminal == .plain ? $0 : terminal.visible(line: $0)) }
    }
}
