internal import Glibc
internal import LensClient
internal import LensCore
internal import LensReport

/// The first look at a prompt: everything that the page shows at once, in one answer.
extension ExploreAPI {
    struct LookQuestion: Decodable {
        var position: Int?
        var top: Int?
        var layers: [Int]?
        var kinds: Bool?
        var valueNorms: Bool?

        private enum CodingKeys: String, CodingKey {
            case position, top, layers, kinds
            case valueNorms = "value_norms"
        }
    }

    func look(_ request: AboutPass<LookQuestion>) async throws -> ScriptJSON {
        let pass = try await pass(request.pass)
        let top = request.top ?? 10
        guard (1...100).contains(top) else { throw LensError.outOfRange("top", top, 1..<101) }
        let description = try await connection.describeModel(pass.model).model
        let shape = description.configuration
        let run = try await run(pass, shape)
        let base = pass.edits.isEmpty ? nil : try await self.run(pass.base, shape)
        let positions = run.tokens.count
        let layers = try Self.layers(request.layers, of: shape, positions: positions)
        async let kinds = request.kinds == true ? headKinds(pass) : [:]
        async let next = predictions(pass, after: request.position, run, base, top: top)
        let found = try await layerLooks(pass, layers, shape, wantsNorms: request.valueNorms == true)
        var members: [(String, ScriptJSON)] = [
            ("model", .model(description, pass.model.form)), ("tokens", .tokens(run.tokens)),
            ("loss", .number(run.loss)), ("token_loss", .tensor(run.perTokenLoss, [run.perTokenLoss.count])),
            ("next", try await next.json), ("layers", .array(layers.map(ScriptJSON.integer))),
            ("heads", .array(Self.heads(layers, shape, try await kinds))),
            ("patterns", .patterns(found.flatMap(\.packings))),
        ]
        if request.valueNorms == true {
            members.append(("value_norms", .tensor(found.flatMap(\.norms), [layers.count, shape.nHeads, positions])))
        }
        if let base {
            members.append(
                (
                    "base",
                    .object([
                        ("loss", .number(base.loss)),
                        ("token_loss", .tensor(base.perTokenLoss, [base.perTokenLoss.count])),
                        ("next", try await next.baseJSON),
                        ("pattern_change", .tensor(found.flatMap(\.change), [layers.count, shape.nHeads])),
                    ])
                ))
        }
        return .object(members)
    }

    /// How many next tokens both runs of a comparison know.
    private static let comparedCount = 1000

    /// The prompt's losses and predictions; its activations stay at hand for the queries that follow.
    private func run(_ pass: ExploredPass, _ shape: ModelConfiguration) async throws -> PromptResult {
        let reply = try await connection.run(
            RunRequest(
                model: pass.model, prompts: [pass.prompt], interventions: pass.edits,
                topCount: min(Self.comparedCount, shape.dVocab), wantsPerTokenLoss: true,
                keep: .names((0..<shape.nLayers).map { HookPoint(.pattern, layer: $0).name }), isRecorded: false))
        guard let result = reply.prompts.first else { throw LensError(.internal, "a run of one prompt answered none") }
        return result
    }

    // MARK: - Predictions

    /// The likeliest next tokens, and what the unedited run makes of them.
    struct NextTokens: Sendable {
        var position: Int
        var edited: [Prediction]
        /// Of the tokens of both tables' heads; empty without edits.
        var base: [(token: Token, logprob: Float?, edited: Float?)]

        var json: ScriptJSON {
            .object([
                ("position", .integer(position)),
                (
                    "tokens",
                    .array(
                        edited.map { .object(ScriptJSON.token($0.token) + [("logprob", .float($0.logprob))]) })
                ),
            ])
        }

        var baseJSON: ScriptJSON {
            .array(
                base.map { token, logprob, edited in
                    .object(
                        ScriptJSON.token(token) + [
                            ("logprob", logprob.map(ScriptJSON.float) ?? .null),
                            ("edited_logprob", edited.map(ScriptJSON.float) ?? .null),
                        ])
                })
        }
    }

    private func predictions(
        _ pass: ExploredPass, after asked: Int?, _ run: PromptResult, _ base: PromptResult?, top: Int
    ) async throws -> NextTokens {
        let count = run.tokens.count
        let position = (asked ?? -1) < 0 ? count + (asked ?? -1) : asked ?? 0
        guard (0..<count).contains(position) else {
            throw LensError.outOfRange("position", asked ?? -1, -count..<count)
        }
        var edited = run.top
        var unedited = base?.top
        if position != count - 1 {
            edited = try await likeliest(pass, after: position)
            if base != nil { unedited = try await likeliest(pass.base, after: position) }
        }
        var next = NextTokens(position: position, edited: Array(edited.prefix(top)), base: [])
        if let unedited {
            let before = Dictionary(unedited.map { ($0.token.id, $0.logprob) }, uniquingKeysWith: { first, _ in first })
            let after = Dictionary(edited.map { ($0.token.id, $0.logprob) }, uniquingKeysWith: { first, _ in first })
            let fresh = unedited.prefix(top).filter { one in !next.edited.contains { $0.token.id == one.token.id } }
            next.base = (next.edited + fresh).map { ($0.token, before[$0.token.id], after[$0.token.id]) }
        }
        return next
    }

    /// The likeliest next tokens after a position that is not the last: from its logits.
    private func likeliest(_ pass: ExploredPass, after position: Int) async throws -> [Prediction] {
        let logits = try await floats(
            QueryRequest(
                source: pass.source, hook: HookPoint(.logits).name, slice: TensorSlice([.index(position)]), prompts: [0]
            )
        )
        let greatest = logits.max() ?? 0
        let logSum = Double(greatest) + log(logits.reduce(0.0) { $0 + exp(Double($1 - greatest)) })
        let best = logits.indices.sorted { (logits[$0], $1) > (logits[$1], $0) }.prefix(Self.comparedCount)
        let names = try await connection.tokenize(
            TokenizeRequest(model: pass.model, prompts: [.tokens(best.map { Int32($0) })]))
        return zip(best, names.tokens.first ?? []).map { id, token in
            Prediction(token: token, logprob: Float(Double(logits[id]) - logSum))
        }
    }

    // MARK: - Heads

    /// Cells of all triangles of one answer, a byte each.
    private static let mostCells = 16 << 20

    /// The layers that are shown: those that were asked for, or as many as one answer takes.
    private static func layers(
        _ asked: [Int]?, of shape: ModelConfiguration, positions: Int
    ) throws(LensError) -> [Int] {
        let perLayer = shape.nHeads * positions * (positions + 1) / 2
        let most = max(mostCells / max(perLayer, 1), 1)
        guard let asked else { return Array(0..<min(shape.nLayers, most)) }
        for layer in asked where !(0..<shape.nLayers).contains(layer) {
            throw .outOfRange("layers", layer, 0..<shape.nLayers)
        }
        guard Set(asked).count == asked.count, asked.count <= most else {
            throw .invalidArgument("layers are named once, and at most \(most) of them for \(positions) tokens")
        }
        return asked
    }

    private static func heads(
        _ layers: [Int], _ shape: ModelConfiguration, _ kinds: [[Int]: ScriptJSON]
    ) -> [ScriptJSON] {
        layers.flatMap { layer in
            (0..<shape.nHeads).map { head in
                var members: [(String, ScriptJSON)] = [("layer", .integer(layer)), ("head", .integer(head))]
                if let kinds = kinds[[layer, head]] { members.append(("kinds", kinds)) }
                return .object(members)
            }
        }
    }

    /// By layer and head. Scores are of the unedited model.
    private func headKinds(_ pass: ExploredPass) async throws -> [[Int]: ScriptJSON] {
        let reply = try await connection.scoreHeads(HeadScoresRequest(model: pass.model, prompts: [pass.prompt]))
        var kinds: [[Int]: ScriptJSON] = [:]
        for scores in reply.heads {
            kinds[[scores.layer, scores.head]] = .array(
                scores.kinds.map { finding in
                    .object([("name", .string("\(finding.kind)")), ("score", .number(finding.score))])
                })
        }
        return kinds
    }
}
