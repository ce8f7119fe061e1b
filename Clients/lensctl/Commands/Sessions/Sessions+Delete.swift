import ArgumentParser
import LensCore
import LensTerminal

extension Sessions {
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
