import ArgumentParser
import LensCore
import LensTerminal

extension Models {
    struct Describe: ConsoleCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show a model's configuration, its hook points with their shapes, and its weight processing.",
            discussion: """
                Names are TransformerLens's. Points with a star are computed only when they are named. A model that is \
                not in memory is loaded first.

                Examples:
                  lensctl models describe tinytales-1l
                  lensctl models describe tinytales-1l@raw --json
                """)

        @Argument(help: "The model, NAME or NAME@raw. Default: the one that --model names, else the daemon's first.")
        var name: String?
        @OptionGroup(title: "Everywhere") var global: GlobalOptions

        func run(on console: Console) async throws {
            let reference = try name.map { (name) throws(LensError) in try ModelReference(parsing: name) }
            let model = try reference ?? global.modelReference()
            let connection = try global.connect()
            let detail = try await connection.describeModel(model)
            console.answer(JSON.modelDetail(detail)) { terminal in text(detail, on: terminal) }
        }

        private func text(_ detail: ModelDetail, on terminal: Terminal) -> [StyledText] {
            let model = detail.model
            var title = StyledText(
                terminal.visible(line: ModelReference(name: model.name, form: detail.form).description), .bold)
            title.append(
                "  \(DecimalText.fixed(Double(model.parameterCount) / 1e6, 2))M parameters, "
                    + "\(DecimalText.bytes(model.weightBytes)), fingerprint \(model.fingerprint.prefix(12))", .faint)
            let configuration = TextTable(
                columns: [.init(""), .init("")],
                rows: JSON.configuration(model.configuration).members.map { name, value in
                    [StyledText(name, .faint), StyledText(terminal.visible(line: Self.plain(value)))]
                })
            let steps = TextTable(
                columns: [.init(""), .init(""), .init("")],
                rows: detail.steps.map { step in
                    [
                        StyledText(step.name),
                        StyledText(detail.form == .raw ? "not in @raw" : step.isApplied ? "applied" : "skipped"),
                        StyledText(terminal.visible(line: step.detail), .faint),
                    ]
                })
            let hooks = TextTable(
                columns: [.init("hook point"), .init("shape"), .init("")],
                rows: detail.hooks.map { hook in
                    [
                        StyledText(hook.name + (hook.isOnDemand ? "*" : "")),
                        StyledText("[\(hook.axes.map(\.text).joined(separator: ", "))]"),
                        StyledText(Self.layers(hook.layers, of: model.configuration.nLayers), .faint),
                    ]
                })
            return [title, ""] + configuration.lines() + [""] + steps.lines() + [""] + hooks.lines()
                + [StyledText("* computed only when it is named", .faint)]
        }

        private static func plain(_ value: JSON) -> String {
            if case .string(let text) = value { return text }
            return value.text
        }

        /// `l = 0…11`; a list where some layers lack the point, nothing for a point outside the blocks.
        private static func layers(_ layers: [Int], of count: Int) -> String {
            guard let first = layers.first, let last = layers.last else { return "" }
            guard layers == Array(0..<count) else { return "l = " + layers.map(String.init).joined(separator: ", ") }
            return first == last ? "l = \(first)" : "l = \(first)…\(last)"
        }
    }
}

extension HookShape.Axis {
    /// `n_heads=16`; positions have no number.
    fileprivate var text: String { name.isEmpty ? "\(size)" : size == 0 ? name : "\(name)=\(size)" }
}
