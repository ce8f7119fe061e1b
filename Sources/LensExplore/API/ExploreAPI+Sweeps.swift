internal import LensClient
internal import LensCore
internal import LensReport

/// What each part of the model does to a metric.
extension ExploreAPI {
    struct AblateQuestion: Decodable {
        enum Kind: String, Decodable {
            case zero, mean
        }

        var kind: Kind?
        var metric: MetricWords?
    }

    /// Every head in turn.
    func ablate(_ request: AboutPass<AblateQuestion>, _ progress: @escaping Progress) async throws -> ScriptJSON {
        let pass = try await pass(request.pass)
        let kind = request.kind ?? .zero
        var spec = SweepSpec.heads(kind == .zero ? .zero : .mean)
        let metric = try request.metric?.metric() ?? .loss
        spec.metrics = [metric, Metric(.tokenLoss)]
        let sweep = try await connection.sweep(pass.sweep(spec), onProgress: progress)
        guard sweep.metrics.count == 2, sweep.shape.count == 2 else {
            throw LensError(.internal, "the daemon's sweep of heads has the shape \(sweep.shape)")
        }
        let (values, tokens) = (sweep.metrics[0], sweep.metrics[1])
        let shape = sweep.shape
        return .object([
            ("kind", .string(kind.rawValue)), ("metric", .string(metric.kind.rawValue)),
            (metric.kind == .loss ? "baseline_loss" : "baseline", .number(values.baseline)),
            (metric.kind == .loss ? "loss" : "value", .tensor(values.values, shape)),
            ("delta", .tensor(values.values.indices.map(values.delta), shape)),
            ("standard_error", .tensor(values.standardErrors, shape)),
            (
                "token_delta",
                .tensor(tokens.values.indices.flatMap(tokens.deltas), shape + [tokens.baselines.count])
            ),
        ])
    }

    // MARK: - Two prompts

    struct CompareRequest: Decodable {
        var model: String?
        var prompt: PromptWords
        var other: PromptWords
        var token: Int32
        var wrong: Int32
        var position: Int?
    }

    /// Takes every head's and MLP's activation from another prompt, each alone: what that does to a difference of
    /// logits, by all paths and by the direct one.
    func compare(_ request: CompareRequest, _ progress: @escaping Progress) async throws -> ScriptJSON {
        let reference = try ModelReference(named: request.model, default: model)
        let (prompt, other) = (try request.prompt.prompt(), try request.other.prompt())
        let metric = try MetricWords(token: request.token, wrong: request.wrong, position: request.position).metric()
        let shape = try await connection.describeModel(reference).model.configuration
        let tokens = try await connection.tokenize(TokenizeRequest(model: reference, prompts: [prompt, other])).tokens
        guard tokens.count == 2 else { throw LensError(.internal, "two prompts gave \(tokens.count) lists of tokens") }
        let isAligned = tokens[0].count == tokens[1].count
        let pass = ExploredPass(model: reference, prompt: prompt, edits: [])
        // Prompts of different lengths have only their ends in common.
        let last: Indices? = isAligned ? nil : .index(-1)
        func spec(_ hook: String, _ axes: [SweepAxis], isDirect: Bool) -> SweepSpec {
            let edit = InterventionSpec(
                hook: hook, layers: .every, action: .patch(.prompts([other]), prompt: nil, positions: last),
                selection: Selection(positions: last))
            return SweepSpec(
                edits: [edit], axes: axes, metrics: [metric],
                path: isDirect ? SweepSpec.Path(holdsMLPs: true) : nil)
        }
        var sweeps = [spec("z", [.layer, .head], isDirect: false), spec("z", [.layer, .head], isDirect: true)]
        if !shape.attnOnly {
            sweeps += [spec("mlp_out", [.layer], isDirect: false), spec("mlp_out", [.layer], isDirect: true)]
        }
        var effects: [ScriptJSON] = []
        var baseline = Double.nan
        for (number, spec) in sweeps.enumerated() {
            // Their lengths differ little: each counts as much.
            let reply = try await connection.sweep(pass.sweep(spec)) { done, total in
                progress(number * 1000 + done * 1000 / max(total, 1), sweeps.count * 1000)
            }
            guard let values = reply.metrics.first else { throw LensError(.internal, "the sweep has no metric") }
            baseline = values.baseline
            effects.append(.tensor(values.values.indices.map(values.delta), reply.shape))
        }
        let others = try await connection.sweep(
            ExploredPass(model: reference, prompt: other, edits: []).sweep(
                SweepSpec(edits: [InterventionSpec(hook: "z0", action: .scale(1))], axes: [], metrics: [metric])))
        func pair(_ index: Int) -> ScriptJSON { .object([("total", effects[index]), ("direct", effects[index + 1])]) }
        return .object([
            ("tokens", .tokens(tokens[0])), ("other_tokens", .tokens(tokens[1])),
            ("positions", .string(isAligned ? "all" : "last")), ("clean", .number(baseline)),
            ("other", .number(others.metrics.first?.baseline ?? .nan)), ("heads", pair(0)),
            ("mlps", shape.attnOnly ? .null : pair(2)),
        ])
    }
}
