import ArgumentParser
import LensCore
import LensTerminal

extension Models {
    struct List: ConsoleCommand {
        static let configuration = CommandConfiguration(
            abstract: "List the models: shapes of the resident ones, and where each of the others is.",
            discussion: """
                Examples:
                  lensctl models list
                  lensctl models --json
                """)

        @OptionGroup(title: "Everywhere") var global: GlobalOptions

        func run(on console: Console) async throws {
            let connection = try global.connect()
            let list = try await connection.listModels()
            console.answer(
                .object([
                    ("schema", .integer(1)), ("models", .array(list.resident.map(JSON.model))),
                    ("states", .array(list.states.map(JSON.modelState))),
                ])
            ) { terminal in text(list, on: terminal) }
        }

        private func text(_ list: ModelList, on terminal: Terminal) -> [StyledText] {
            var table = TextTable(columns: [
                .init("model"), .init("layers", .right), .init("heads", .right), .init("d_model", .right),
                .init("d_mlp", .right), .init("n_ctx", .right), .init("d_vocab", .right), .init("params", .right),
                .init("memory", .right), .init(""),
            ])
            for model in list.resident {
                let state = list.states.first { $0.name == model.name }
                let shape = model.configuration
                let numbers = [
                    shape.nLayers, shape.nHeads, shape.dModel, shape.dMLP, shape.nCtx, shape.dVocab,
                ].map { StyledText(String($0)) }
                let remarks = [
                    model.isDefault ? "default" : "", state?.isPinned == true ? "pinned" : "",
                    state?.isInUse == true ? "in use" : "",
                ].filter { !$0.isEmpty }
                table.rows.append(
                    [StyledText(terminal.visible(line: model.name), .bold)] + numbers + [
                        StyledText(DecimalText.fixed(Double(model.parameterCount) / 1e6, 2) + "M"),
                        StyledText(DecimalText.bytes(model.weightBytes)),
                        StyledText(remarks.joined(separator: ", "), .faint),
                    ])
            }
            let others = list.states.filter { $0.residency != .resident }.map { state in
                var line = StyledText(terminal.visible(line: state.name), .bold)
                line.append("  " + state.remark(on: terminal), .faint)
                return line
            }
            let shapes = table.rows.isEmpty ? [] : table.lines()
            return others.isEmpty ? shapes : shapes + (shapes.isEmpty ? [] : [""]) + others
        }
    }
}

extension ModelState {
    /// What is to be said of a model that is not resident.
    fileprivate func remark(on terminal: Terminal) -> String {
        guard residency == .loading else { return "not in memory: \(terminal.visible(line: note))" }
        guard let progress, progress.totalBytes > 0 else { return "is being loaded" }
        return "is being loaded: \(DecimalText.bytes(progress.doneBytes)) of \(DecimalText.bytes(progress.totalBytes))"
    }
}
