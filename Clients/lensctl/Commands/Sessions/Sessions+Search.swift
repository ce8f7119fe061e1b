import ArgumentParser
import LensCore
import LensTerminal

extension Sessions {
    struct Search: ConsoleCommand {
        static let configuration = CommandConfiguration(
            abstract: "Find sessions and runs by a text in their name, note or prompt.",
            discussion: """
                Looks through the sessions that you may read: their names and notes, and of each run its note and the \
                beginning of its first prompt. The letters a to z count in either case.

                Examples:
                  lensctl sessions search "head 8"
                  lensctl sessions search Lily --limit 500 --json
                """)

        @Argument(help: "The text that they are to contain.")
        var text: String
        @Option(help: ArgumentHelp("How many runs to show, 1 to 1000.", valueName: "n"))
        var limit = 100
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
            let found = try await connection.searchSessions(
                SearchSessionsRequest(text: text, before: before ?? "", limit: limit))
            console.answer(
                .object([
                    ("schema", .integer(1)), ("sessions", .array(found.sessions.map(JSON.session))),
                    ("runs", .array(found.runs.map { JSON.run($0).adding("session", .string($0.session)) })),
                    ("more", .bool(found.hasMore)),
                ])
            ) { terminal in
                guard !found.sessions.isEmpty || !found.runs.isEmpty else {
                    return [StyledText("nothing contains '\(terminal.visible(line: text))'", .faint)]
                }
                var lines = found.sessions.isEmpty ? [] : SessionText.table(found.sessions, on: terminal)
                if !found.runs.isEmpty {
                    lines += lines.isEmpty ? [] : [""]
                    lines += SessionText.runs(found.runs, withSessions: true, on: terminal)
                }
                if found.hasMore, let last = found.runs.last {
                    lines += ["", StyledText("older runs: --before \(last.id)", .faint)]
                }
                return lines
            }
        }
    }
}
