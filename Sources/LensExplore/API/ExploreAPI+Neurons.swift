internal import LensClient
internal import LensCore
internal import LensReport

/// Neurons over the text.
extension ExploreAPI {
    struct NeuronsQuestion: Decodable {
        var layer: Int
        var neuron: Int?
        var top: Int?
    }

    /// One neuron, or those of a layer that fire most.
    func neurons(_ request: AboutPass<NeuronsQuestion>) async throws -> ScriptJSON {
        let pass = try await pass(request.pass)
        let shape = try await connection.describeModel(pass.model).model.configuration
        guard !shape.attnOnly else { throw LensError.invalidArgument("this model has attention only: no neurons") }
        guard (0..<shape.nLayers).contains(request.layer) else {
            throw LensError.outOfRange("layer", request.layer, 0..<shape.nLayers)
        }
        let hook = HookPoint(.mlpPost, layer: request.layer).name
        if let neuron = request.neuron {
            guard (0..<shape.dMLP).contains(neuron) else {
                throw LensError.outOfRange("neuron", neuron, 0..<shape.dMLP)
            }
            let values = try await floats(
                QueryRequest(
                    source: pass.source, hook: hook, slice: TensorSlice([.ellipsis, .index(neuron)]), prompts: [0]))
            return .object(
                [("neuron", .integer(neuron)), ("activations", .tensor(values, [values.count]))]
                    + (try await words(of: neuron, layer: request.layer, in: pass.model)))
        }
        let top = request.top ?? 20
        guard (1...1000).contains(top) else { throw LensError.outOfRange("top", top, 1..<1001) }
        let values = try await floats(QueryRequest(source: pass.source, hook: hook, prompts: [0]))
        let positions = values.count / max(shape.dMLP, 1)
        let peaks = (0..<shape.dMLP).map { neuron -> (neuron: Int, position: Int, value: Float) in
            var best = (neuron: neuron, position: 0, value: -Float.infinity)
            for position in 0..<positions where values[position * shape.dMLP + neuron] > best.value {
                best = (neuron, position, values[position * shape.dMLP + neuron])
            }
            return best
        }
        let strongest = peaks.sorted { ($0.value, $1.neuron) > ($1.value, $0.neuron) }.prefix(top)
        let activations = strongest.flatMap { peak in
            (0..<positions).map { values[$0 * shape.dMLP + peak.neuron] }
        }
        return .object([
            (
                "neurons",
                .array(
                    strongest.map {
                        .object([
                            ("neuron", .integer($0.neuron)), ("max", .float($0.value)),
                            ("position", .integer($0.position)),
                        ])
                    })
            ),
            ("activations", .tensor(activations, [strongest.count, positions])),
        ])
    }

    /// Tokens that a neuron promotes and suppresses, of each.
    private static let wordCount = 10

    /// The tokens whose logits what a neuron writes raises and lowers most: its row of `W_out` times `W_U`.
    ///
    /// - Returns: nothing where `W_U` is too large to be kept here.
    private func words(
        of neuron: Int, layer: Int, in model: ModelReference
    ) async throws -> [(String, ScriptJSON)] {
        let row = try await connection.parameter(
            ParameterRequest(
                model: model, name: "blocks.\(layer).mlp.W_out", slice: TensorSlice([.index(neuron)])))
        guard let logits = try await unembedding.logits(of: row.floats, in: model) else { return [] }
        let order = logits.indices.sorted { (logits[$0], $1) > (logits[$1], $0) }
        let (most, least) = (order.prefix(Self.wordCount), order.suffix(Self.wordCount).reversed())
        let names = try await connection.tokenize(
            TokenizeRequest(model: model, prompts: [.tokens(most.map { Int32($0) }), .tokens(least.map { Int32($0) })])
        ).tokens
        guard names.count == 2 else { throw LensError(.internal, "two lists of tokens came back as \(names.count)") }
        func list(_ ids: [Int], _ tokens: [Token]) -> ScriptJSON {
            .array(zip(ids, tokens).map { .object(ScriptJSON.token($1) + [("value", .float(logits[$0]))]) })
        }
        return [("promotes", list(Array(most), names[0])), ("suppresses", list(Array(least), names[1]))]
    }
}
