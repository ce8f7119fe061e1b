import ArgumentParser
import LensCore
import LensTerminal

extension Sessions {
    struct Create: ConsoleCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make an empty session.",
            discussion: """
                A run makes its session by itself; this one fails where there is a session of that name.

                Examples:
                  lensctl sessions create ioi --note "indirect objects, second try"
                """)

        @Argument(help: "The session's name: 1 to 64 printable characters, no '/'.")
        var name: String
        @Option(help: ArgumentHelp("A note on it.", valueName: "text"))
        var note = ""
        @OptionGroup(title: "Everywhere") var global: GlobalOptions

        func run(on console: Console) async throws {
            let connection = try global.connect()
            let session = try await connection.createSession(CreateSessionRequest(name: name, note: note))
            console.answer(.object([("schema", .integer(1)), ("session", JSON.session(session))])) { terminal in
                [StyledText("made session \(terminal.visible(line: session.name))")]
            }
        }
    }
}
