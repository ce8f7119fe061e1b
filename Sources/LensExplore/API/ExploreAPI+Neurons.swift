internal import LensClient
internal import LensCore
internal import LensReport

/// Neurons over the text.
extension ExploreAPI {
    struct NeuronsRequest: Decodable {
        var pass: PassWords
        var layer: Int
        var neuron: Int?
        var top: Int?

        private enum CodingKeys: CodingKey {
            case layer, neuron, top
        }

        init(from decoder: any Decoder) throws {
            pass = try PassWords(from: decoder)
            let members = try decoder.container(keyedBy: CodingKeys.self)
            layer = try members.decode(Int.self, forKey: .layer)
            neuron = try members.decodeIfPresent(Int.self, forKey: .neuron)
            top = try members.decodeIfPresent(Int.self, forKey: .top)
        }
    }

    /// One neuron, or those of a layer that fire most.
    func neurons(_ request: NeuronsRequest) async throws -> ScriptJSON {
        let pass = try request.pass.pass(defaultModel: model)
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
            return .object([("neuron", .integer(neuron)), ("activations", .tensor(values, [values.count]))])
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
}
