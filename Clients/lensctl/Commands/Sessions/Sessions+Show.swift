import ArgumentParser
import LensCore
import LensTerminal

extension Sessions {
    struct Show: ConsoleCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show the runs of a session, newest first.",
            discussion: """
                Each run, sweep and generation with its time, loss and text; below it what was asked, what was edited, \
                a sweep's strongest effects and the note.

                Examples:
                  lensctl sessions show
                  lensctl sessions show scratch --json
                  lensctl sessions show alice/ioi --limit 20
                """)

        @Argument(help: "The session, NAME or OWNER/NAME. Default: the one that --session names.")
        var name: String?
        @Option(help: ArgumentHelp("How many runs to show, 1 to 1000.", valueName: "n"))
        var limit = 1000
        @Option(help: ArgumentHelp("Only runs that are older than this one, by its whole id.", valueName: "run"))
        var before: String?
        @OptionGroup(title: "Everywhere") var global: GlobalOptions

        func validate() throws {
            guard (1...1000).contains(limit) else {
                throw ValidationError("--limit must be 1 to 1000; received \(limit)")
            }
        }

        func run(on console: Console) async throws {
            let connection = try global.connect()
            let name = name ?? global.sessionName
            let detail = try await connection.showSession(
                ShowSessionRequest(name: name, before: before ?? "", limit: limit))
            console.answer(
                .object([
                    ("schema", .integer(1)), ("session", JSON.session(detail.session)),
                    ("runs", .array(detail.runs.map(JSON.run))), ("more", .bool(detail.hasMore)),
                ])
            ) { terminal in
                var lines = SessionText.title(detail.session, on: terminal)
                if !detail.runs.isEmpty { lines += [""] + SessionText.runs(detail.runs, on: terminal) }
                if detail.hasMore, let last = detail.runs.last {
                    let next = "older runs: lensctl sessions show \(terminal.visible(line: name)) --before \(last.id)"
                    lines += ["", StyledText(next, .faint)]
                }
                return lines
            }
        }
    }
}
