import ArgumentParser
import LensCore
import LensTerminal

extension Models {
    struct Unload: ConsoleCommand {
        static let configuration = CommandConfiguration(
            abstract: "Take a model out of the daemon's memory (its administrator's).",
            discussion: """
                Passes under way go on, and the memory is free when the last of them ends. Nobody gets the model until \
                it is loaded again.

                Examples:
                  lensctl models unload gpt2
                """)

        @Argument(help: "The model's name.")
        var name: String
        @OptionGroup(title: "Everywhere") var global: GlobalOptions

        func run(on console: Console) async throws {
            let connection = try global.connect()
            let isInUse = try await connection.unloadModel(name)
            console.answer(
                .object([("schema", .integer(1)), ("unloaded", .string(name)), ("in_use", .bool(isInUse))])
            ) { terminal in
                [
                    StyledText(
                        "unloaded \(terminal.visible(line: name))"
                            + (isInUse ? "; its memory goes back when the passes under way end" : ""))
                ]
            }
        }
    }
}
