import ArgumentParser
import LensCore
import LensTerminal

extension Sessions {
    struct Rename: ConsoleCommand {
        static let configuration = CommandConfiguration(
            abstract: "Give a session of yours another name.",
            discussion: """
                Its runs, notes and grants stay with it; who it is shared with finds it under the new name.

                Examples:
                  lensctl sessions rename scratch ioi
                """)

        @Argument(help: "The session.")
        var name: String
        @Argument(help: "The name that it gets: 1 to 64 printable characters, no '/'.")
        var newName: String
        @OptionGroup(title: "Everywhere") var global: GlobalOptions

        func run(on console: Console) async throws {
            let connection = try global.connect()
            try await connection.renameSession(name, to: newName)
            console.answer(
                .object([("schema", .integer(1)), ("renamed", .string(name)), ("to", .string(newName))])
            ) { terminal in
                [StyledText("\(terminal.visible(line: name)) is \(terminal.visible(line: newName)) now")]
            }
        }
    }
}
