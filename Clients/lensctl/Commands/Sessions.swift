import ArgumentParser
import LensCore
import LensTerminal

struct Sessions: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "List, show and delete sessions: named workspaces that keep what was run.",
        discussion: """
            Examples:
              lensctl sessions
              lensctl sessions show default
              lensctl sessions delete scratch
            """,
        subcommands: [List.self, Show.self, Delete.self], defaultSubcommand: List.self)

    struct List: ConsoleCommand {
        static let configuration = CommandConfiguration(
            abstract: "List your sessions.",
            discussion: """
                Examples:
                  lensctl sessions list
                """)

        @OptionGroup(title: "Everywhere") var global: GlobalOptions

        func run(on console: Console) async throws {
            let connection = try global.connect()
            let sessions = try await connection.listSessions()
            console.answer(.object([("schema", .integer(1)), ("sessions", .array(sessions.map(JSON.session)))])) {
                terminal in
                if sessions.isEmpty { return [StyledText("no sessions yet; a run makes one", .faint)] }
                return TextTable(
                    columns: [.init("session"), .init("runs", .right), .init("last used"), .init("made")],
                    rows: sessions.map { session in
                        [
                            StyledText(terminal.visible(line: session.name), .bold),
                            StyledText(String(session.runCount)),
                            StyledText(DecimalText.moment(session.updatedAt)),
                            StyledText(DecimalText.moment(session.createdAt), .faint),
                        ]
                    }
                ).lines()
            }
        }
    }

    struct Show: ConsoleCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show the runs of a session, newest first.",
            discussion: """
                Examples:
                  lensctl sessions show
                  lensctl sessions show scratch --json
                """)

        @Argument(help: "The session. Default: the one that --session names.")
        var name: String?
        @OptionGroup(title: "Everywhere") var global: GlobalOptions

        func run(on console: Console) async throws {
            let connection = try global.connect()
            let detail = try await connection.showSession(name ?? global.sessionName)
            console.answer(
                .object([
                    ("schema", .integer(1)), ("session", JSON.session(detail.session)),
                    ("runs", .array(detail.runs.map(JSON.run))),
                ])
            ) { terminal in
                var title = StyledText(terminal.visible(line: detail.session.name), .bold)
                title.append(
                    "  \(detail.session.runCount) runs, made \(DecimalText.moment(detail.session.createdAt))", .faint)
                let table = TextTable(
                    columns: [
                        .init("run"), .init("kind"), .init("when"), .init("loss", .right), .init("tokens", .right),
                        .init("text"), .init("asked"),
                    ],
                    rows: detail.runs.map { run in
                        [
                            StyledText(String(run.id.prefix(12))),
                            StyledText(run.isHooked ? "\(run.kind.rawValue) with hooks" : run.kind.rawValue),
                            StyledText(DecimalText.moment(run.createdAt), .faint),
                            StyledText(DecimalText.fixed(run.loss, 4)), StyledText(String(run.tokenCount)),
                            StyledText(terminal.visible(line: run.excerpt).truncated(to: 20, mark: terminal.ellipsis)),
                            StyledText(terminal.visible(line: run.detail), .faint),
                        ]
                    })
                let edited = detail.runs.filter { !$0.edits.isEmpty }.map { run in
                    var line = StyledText("\(run.id.prefix(12))  ", .faint)
                    line.append(terminal.visible(line: run.edits.joined(separator: "; ")))
                    return line
                }
                let edits = edited.isEmpty ? [] : ["", StyledText("edited", .faint)] + edited
                return detail.runs.isEmpty ? [title] : [title, ""] + table.lines() + edits
            }
        }
    }

    struct Delete: ConsoleCommand {
        static let configuration = CommandConfiguration(
            abstract: "Delete a session and its runs, for good.",
            discussion: """
                Examples:
                  lensctl sessions delete scratch
                """)

        @Argument(help: "The session.")
        var name: String
        @OptionGroup(title: "Everywhere") var global: GlobalOptions

        func run(on console: Console) async throws {
            let connection = try global.connect()
            let count = try await connection.deleteSession(name)
            console.answer(
                .object([("schema", .integer(1)), ("deleted", .string(name)), ("runs", .integer(count))])
            ) { terminal in
                [
                    StyledText(
                        "deleted session \(terminal.visible(line: name)), \(count) \(count == 1 ? "run" : "runs")"
                    )
                ]
            }
        }
    }
}
