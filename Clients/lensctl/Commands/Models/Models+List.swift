import ArgumentParser
import LensCore
import LensTerminal

extension Models {
    struct List: ConsoleCommand {
        static let configuration = CommandConfiguration(
            abstract: "List the models and their shapes.",
            discussion: """
                Examples:
                  lensctl models list
                  lensctl models --json
                """)

        @OptionGroup(title: "Everywhere") var global: GlobalOptions

        func run(on console: Console) async throws {
            let connection = try global.connect()
            let models = try await connection.listModels()
            console.answer(.object([("schema", .integer(1)), ("models", .array(models.map(JSON.model)))])) { terminal in
                var table = TextTable(columns: [
                    .init("model"), .init("layers", .right), .init("heads", .right), .init("d_model", .right),
                    .init("d_mlp", .right), .init("n_ctx", .right), .init("d_vocab", .right), .init("params", .right),
                    .init("memory", .right), .init(""),
                ])
                for model in models {
                    let shape = model.configuration
                    let numbers = [
                        shape.nLayers, shape.nHeads, shape.dModel, shape.dMLP, shape.nCtx, shape.dVocab,
                    ].map { StyledText(String($0)) }
                    table.rows.append(
                        [StyledText(terminal.visible(line: model.name), .bold)] + numbers + [
                            StyledText(DecimalText.fixed(Double(model.parameterCount) / 1e6, 2) + "M"),
                            StyledText(DecimalText.bytes(model.weightBytes)),
                            StyledText(model.isDefault ? "default" : "", .faint),
                        ])
                }
                return table.lines()
            }
        }
    }
}
