import ArgumentParser
import LensCore
import LensTerminal

extension Models {
    struct Rename: ConsoleCommand {
        static let configuration = CommandConfiguration(
            abstract: "Give a model another name (the daemon's administrator's).",
            discussion: """
                A model of the state folder keeps the name; one of the daemon's flags or configuration has it until the \
                daemon is started again. Recorded runs find their model under its new name.

                Examples:
                  lensctl models rename gpt2 gpt2-small
                """)

        @Argument(help: "The model's name.")
        var name: String
        @Argument(help: "The name that it gets: 1 to 64 of a-z 0-9 . _ -")
        var newName: String
        @OptionGroup(title: "Everywhere") var global: GlobalOptions

        func run(on console: Console) async throws {
            let connection = try global.connect()
            try await connection.renameModel(name, to: newName)
            console.answer(
                .object([("schema", .integer(1)), ("renamed", .string(name)), ("to", .string(newName))])
            ) { terminal in
                [StyledText("\(terminal.visible(line: name)) is \(terminal.visible(line: newName)) now")]
            }
        }
    }
}
