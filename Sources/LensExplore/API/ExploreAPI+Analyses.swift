internal import LensClient
internal import LensCore
internal import LensReport

/// Why a head attends where it does, and what the residual stream says on its way.
extension ExploreAPI {
    struct LensQuestion: Decodable {
        var top: Int?
        var positions: [Int]?
    }

    /// What would be predicted from each point of the residual stream.
    func lens(_ request: AboutPass<LensQuestion>) async throws -> ScriptJSON {
        let pass = try await pass(request.pass)
        let top = request.top ?? 5
        guard (1...100).contains(top) else { throw LensError.outOfRange("top", top, 1..<101) }
        let reply = try await connection.logitLens(
            LogitLensRequest(source: pass.source, positions: request.positions ?? [], withMid: true, topCount: top))
        guard let lens = reply.prompts.first else { throw LensError(.internal, "the lens of one prompt answered none") }
        let size = [reply.points.count, lens.positions.count]
        return .object([
            ("stages", .array(reply.points.map(Self.stage))), ("tokens", .tokens(lens.tokens)),
            ("positions", .array(lens.positions.map(ScriptJSON.integer))),
            ("top_ids", .tensor(lens.topTokens, size + [reply.topCount])),
            ("top_logprobs", .tensor(lens.topLogprobs, size + [reply.topCount])),
            ("target_logprob", Self.beforeLast(lens)), ("entropy", .tensor(lens.entropies, size)),
            ("divergence", .tensor(lens.divergences, size)),
            ("texts", .object(reply.vocabulary.map { (String($0.id), .string($0.text)) })),
        ])
    }

    /// `[point, position]` without the prompt's last position, which no token follows.
    private static func beforeLast(_ lens: PromptLens) -> ScriptJSON {
        let columns = lens.positions.indices.filter { lens.positions[$0] < lens.tokens.count - 1 }
        let rows = stride(from: 0, to: lens.nextLogprobs.count, by: max(lens.positions.count, 1))
        return .tensor(
            rows.flatMap { row in columns.map { lens.nextLogprobs[row + $0] } }, [Array(rows).count, columns.count])
    }

    /// TransformerLens's label of a point of the residual stream: `0_pre`, `0_mid`, `final_post`.
    private static func stage(_ hook: String) -> ScriptJSON {
        let parts = hook.split(separator: ".")
        guard parts.count == 3, parts[0] == "blocks" else { return .string(hook) }
        let place = parts[2].hasPrefix("hook_resid_") ? parts[2].dropFirst("hook_resid_".count) : parts[2]
        return .string(place == "post" ? "final_post" : "\(parts[1])_\(place)")
    }

    // MARK: - One cell

    struct WhyQuestion: Decodable {
        enum Detail: String, Decodable {
            case groups, layers, components

            var detail: ScoreSplitDetail {
                switch self {
                case .groups: .groups
                case .layers: .layers
                case .components: .components
                }
            }
        }

        var layer: Int
        var head: Int
        var destination: Int
        var source: Int
        var detail: Detail?
        var relative: Bool?
    }

    /// One score as the sum of what query and key are made of.
    func why(_ request: AboutPass<WhyQuestion>) async throws -> ScriptJSON {
        let pass = try await pass(request.pass)
        let isRelative = request.relative ?? false
        let reply = try await connection.splitScore(
            ScoreSplitRequest(
                source: pass.source, layer: request.layer, head: request.head, destinations: [request.destination],
                sources: [request.source], detail: request.detail?.detail ?? .groups, isRelative: isRelative))
        let count = reply.components.count
        guard let score = reply.scores.first, let weight = reply.pattern.first, reply.terms.count == count * count
        else {
            throw LensError(.internal, "the split of one score into \(count) parts has \(reply.terms.count) terms")
        }
        return .object([
            ("score", .float(score)), ("weight", .float(weight)),
            ("components", .array(reply.components.map { .string($0.label) })),
            ("terms", .tensor(reply.terms, [count, count])), ("relative", .bool(isRelative)),
            ("rotary", .bool(reply.isRotary)),
            ("position_bias", reply.positionBias.first.map(ScriptJSON.float) ?? .null),
            ("soft_cap", reply.softCap.map(ScriptJSON.float) ?? .null),
        ])
    }
}
