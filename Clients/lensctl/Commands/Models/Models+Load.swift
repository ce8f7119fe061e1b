import ArgumentParser
import LensClient
import LensCore
import LensTerminal

extension Models {
    struct Load: ConsoleCommand {
        static let configuration = CommandConfiguration(
            abstract: "Have the daemon read a model into memory (its administrator's).",
            discussion: """
                NAME is a model of the daemon's flags or configuration, or a folder in its state folder's 'models'. \
                Other people's work goes on meanwhile; Ctrl-C ends the load.

                Examples:
                  lensctl models load gpt2
                """)

        @Argument(help: "The model's name.")
        var name: String
        @OptionGroup(title: "Everywhere") var global: GlobalOptions

        func run(on console: Console) async throws {
            let connection = try global.connect()
            let model = try await connection.loadModel(name, showing: Progress("loading \(name)", on: console))
            console.answer(.object([("schema", .integer(1)), ("model", JSON.model(model))])) { terminal in
                var line = StyledText(terminal.visible(line: model.name), .bold)
                line.append(
                    "  \(DecimalText.fixed(Double(model.parameterCount) / 1e6, 2))M parameters, "
                        + "\(DecimalText.bytes(model.weightBytes)) of memory")
                return [line]
            }
        }
    }
}

extension LensConnection {
    /// Loads a model behind a progress bar.
    func loadModel(_ name: String, showing progress: Progress) async throws(LensError) -> ModelDescription {
        defer { progress.finish() }
        return try await loadModel(name) { progress.update(done: $0.doneBytes, total: $0.totalBytes) }
    }
}
