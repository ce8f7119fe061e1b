internal import LensClient
internal import LensCore
internal import LensReport

/// What a logit, or the difference of two, is the sum of.
extension ExploreAPI {
    struct ContributionsQuestion: Decodable {
        enum Detail: String, Decodable {
            case layers, heads, neurons

            var detail: AttributionDetail {
                switch self {
                case .layers: .layers
                case .heads: .heads
                case .neurons: .neurons
                }
            }
        }

        var position: Int?
        var token: Int32?
        var wrong: Int32?
        var detail: Detail?
        var top: Int?
    }

    /// The parts with the heads that they are, for the page to lead to.
    func contributions(_ request: AboutPass<ContributionsQuestion>) async throws -> ScriptJSON {
        let top = request.top ?? 20
        guard (1...1000).contains(top) else { throw LensError.outOfRange("top", top, 1..<1001) }
        let detail = request.detail?.detail ?? .heads
        let reply = try await connection.attribute(
            AttributionRequest(
                source: try await pass(request.pass).source, tokens: request.token.map { [$0] } ?? [],
                wrongTokens: request.wrong.map { [$0] } ?? [], positions: [request.position ?? -1],
                detail: detail, topCount: detail == .neurons ? top : 0))
        guard let prompt = reply.prompts.first, let total = prompt.totals.first else {
            throw LensError(.internal, "an attribution of one prompt answered none")
        }
        let parts = zip(reply.components, prompt.terms).map { component, term in
            ScriptJSON.object([
                ("name", .string(component.label)), ("layer", component.layer.map(ScriptJSON.integer) ?? .null),
                ("head", component.index.map(ScriptJSON.integer) ?? .null), ("value", .float(term)),
            ])
        }
        let neurons = prompt.neurons.map { term in
            ScriptJSON.object([
                ("layer", .integer(term.layer)), ("neuron", .integer(term.neuron)), ("value", .float(term.value)),
            ])
        }
        return .object([
            ("position", .integer(prompt.positions.first ?? 0)), ("answer", .tokens(prompt.answers)),
            ("wrong", .tokens(prompt.wrong)), ("total", .float(total)), ("parts", .array(parts)),
            ("neurons", .array(neurons)),
        ])
    }
}
