import ArgumentParser
import LensClient
import LensCore
import LensTerminal

extension Models {
    struct Parameter: ConsoleCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show one of a model's weights, or list them all.",
            discussion: """
                Names, shapes and values are those of TransformerLens's HookedTransformer: NAME has its default weight \
                processing, NAME@raw (with --model) the checkpoint's own weights. Behind the name may stand NumPy's \
                basic indexing. Without a name all parameters are listed with their shapes.

                Examples:
                  lensctl models parameter
                  lensctl models parameter W_E
                  lensctl models parameter 'blocks.0.attn.W_Q[3, :, ::2]'
                  lensctl models parameter blocks.0.mlp.W_in --out W_in.npy
                """)

        @Argument(help: "The parameter, such as W_E or blocks.0.attn.W_Q, with a slice behind it where one is wanted.")
        var name: String?
        @Option(help: ArgumentHelp("Write the values to a file that numpy.load reads.", valueName: "f.npy"))
        var out: String?
        @OptionGroup(title: "Everywhere") var global: GlobalOptions

        /// Of each axis, in JSON.
        private static let cornerSize = 3

        func validate() throws {
            guard out == nil || name != nil else { throw ValidationError("--out goes with a parameter's name") }
        }

        func run(on console: Console) async throws {
            let model = try global.modelReference()
            guard let name else { return try await list(model, on: console) }
            let request = try Self.request(name, of: model)
            let array = try await global.connect().parameter(request)
            if let out {
                let file = try NumpyFile(elementType: .float32, shape: array.header.shape, values: array.bytes)
                try OutputFile.write(file.parts, to: out)
            }
            let values = array.floats
            let norm = values.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
            console.answer(json(array.header, values, norm: norm)) { terminal in
                text(array.header, values, norm: norm, on: terminal)
            }
        }

        /// A name, and the slice where a bracket begins one.
        private static func request(_ text: String, of model: ModelReference) throws(LensError) -> ParameterRequest {
            guard let bracket = text.firstIndex(of: "[") else { return ParameterRequest(model: model, name: text) }
            return ParameterRequest(
                model: model, name: String(text[..<bracket]), slice: try TensorSlice(parsing: String(text[bracket...])))
        }

        // MARK: - One

        private func json(_ header: WeightHeader, _ values: [Float], norm: Double) -> JSON {
            let corner = Self.corner(of: values, header.shape)
            return .object([
                ("schema", .integer(1)), ("model", .string(header.model)), ("fingerprint", .string(header.fingerprint)),
                ("name", .string(header.name)), ("shape", .integers(header.shape)), ("norm", .number(norm)),
                ("corner", .tensor(corner.values, shape: corner.shape)),
                ("file", out.map { .string($0) } ?? .null),
            ])
        }

        private func text(
            _ header: WeightHeader, _ values: [Float], norm: Double, on terminal: Terminal
        ) -> [StyledText] {
            var title = StyledText(terminal.visible(line: header.name), .bold)
            title.append("  float32 \(header.shape)  \(terminal.visible(line: header.model))", .faint)
            title.append("  norm \(DecimalText.fixed(norm, 4))")
            if let out { return [title, StyledText("written to \(terminal.visible(line: out))")] }
            let summary = ArraySummary(values, shape: header.shape)
            return [title] + (summary?.lines(width: terminal.width) ?? []).map { StyledText($0) }
        }

        /// The first entries along each axis, as `get_corner`.
        private static func corner(of values: [Float], _ shape: [Int]) -> (values: [Float], shape: [Int]) {
            let small = shape.map { min($0, cornerSize) }
            var offsets = [0]
            var stride = values.count
            for (size, kept) in zip(shape, small) {
                stride = size > 0 ? stride / size : 0
                offsets = offsets.flatMap { offset in (0..<kept).map { offset + $0 * stride } }
            }
            return (offsets.compactMap { values.indices.contains($0) ? values[$0] : nil }, small)
        }

        // MARK: - All

        private func list(_ model: ModelReference, on console: Console) async throws {
            let list = try await global.connect().parameters(of: model)
            let json = JSON.object([
                ("schema", .integer(1)), ("model", .string(list.model)), ("fingerprint", .string(list.fingerprint)),
                (
                    "parameters",
                    .array(
                        list.parameters.map {
                            .object([("name", .string($0.name)), ("shape", .integers($0.shape))])
                        })
                ),
            ])
            console.answer(json) { terminal in
                [StyledText(terminal.visible(line: list.model), .bold), ""]
                    + TextTable(
                        columns: [.init("parameter"), .init("shape")],
                        rows: list.parameters.map {
                            [StyledText(terminal.visible(line: $0.name)), StyledText("\($0.shape)")]
                        }
                    ).lines()
            }
        }
    }
}
