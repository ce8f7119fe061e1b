internal import LensClient
internal import LensCore
internal import LensReport

/// One head, exactly; and what all heads' attention is worth to a metric.
extension ExploreAPI {
    struct HeadQuestion: Decodable {
        enum Part: String, Decodable {
            case pattern, scores, attribution
            case valueWeighted = "value_weighted"
        }

        var layer: Int
        var head: Int
        var want: [Part]?
        var metric: MetricWords?
    }

    func head(_ request: AboutPass<HeadQuestion>) async throws -> ScriptJSON {
        let pass = try await pass(request.pass)
        let shape = try await connection.describeModel(pass.model).model.configuration
        guard (0..<shape.nLayers).contains(request.layer) else {
            throw LensError.outOfRange("layer", request.layer, 0..<shape.nLayers)
        }
        guard (0..<shape.nHeads).contains(request.head) else {
            throw LensError.outOfRange("head", request.head, 0..<shape.nHeads)
        }
        let want = Set(request.want ?? [.pattern])
        var members: [(String, ScriptJSON)] = [("layer", .integer(request.layer)), ("head", .integer(request.head))]
        func add(_ part: HeadQuestion.Part, _ values: [Float], _ positions: Int) {
            members.append((part.rawValue, .tensor(values, [positions, positions])))
        }
        if want.contains(.scores) {
            let (scores, positions) = try await square(.attnScores, of: pass, request.question)
            add(.scores, scores, positions)
        }
        guard want != [.scores] else { return .object(members) }
        let (pattern, positions) = try await square(.pattern, of: pass, request.question)
        if want.contains(.pattern) { add(.pattern, pattern, positions) }
        if want.contains(.valueWeighted) {
            let norms = try await valueNorms(pass, request.layer, shape)[request.head]
            guard norms.count == positions else { throw LensError(.internal, "patterns and values differ in length") }
            add(.valueWeighted, pattern.indices.map { pattern[$0] * norms[$0 % positions] }, positions)
            members.append(("value_norms", .tensor(norms, [positions])))
        }
        if want.contains(.attribution) {
            let hook = HookPoint(.pattern, layer: request.layer).name
            let reply = try await connection.gradient(
                pass.gradient(try (request.metric ?? .loss).terms(), of: [hook]))
            let gradient = try reply.heads(at: hook, count: shape.nHeads, positions: positions)[request.head]
            add(.attribution, zip(pattern, gradient).map { $0 * $1 }, positions)
            members.append(("metric_value", .number(reply.value)))
        }
        return .object(members)
    }

    /// One head's `[pos, pos]`, and how many positions these are.
    private func square(
        _ kind: HookKind, of pass: ExploredPass, _ question: HeadQuestion
    ) async throws(LensError) -> ([Float], Int) {
        let square = try await activation(
            QueryRequest(
                source: pass.source, hook: HookPoint(kind, layer: question.layer).name,
                slice: TensorSlice([.index(question.head)]), prompts: [0]))
        let positions = square.header.shape.last ?? 0
        guard let values = square.floats, values.count == positions * positions else {
            throw LensError(.internal, "one head's \(square.header.hook) came with the shape \(square.header.shape)")
        }
        return (values, positions)
    }

    // MARK: - All heads

    struct SignedPatternsQuestion: Decodable {
        var metric: MetricWords?
    }

    /// Every head's attention times the metric's gradient with respect to it, in eight bits.
    func attribution(_ request: AboutPass<SignedPatternsQuestion>) async throws -> ScriptJSON {
        let pass = try await pass(request.pass)
        let shape = try await connection.describeModel(pass.model).model.configuration
        let hooks = (0..<shape.nLayers).map { HookPoint(.pattern, layer: $0).name }
        let reply = try await connection.gradient(pass.gradient(try (request.metric ?? .loss).terms(), of: hooks))
        var scales: [Float] = []
        var triangles: [UInt8] = []
        for hook in hooks {
            let (patterns, positions) = try await self.patterns(of: pass, at: hook, shape)
            let gradients = try reply.heads(at: hook, count: shape.nHeads, positions: positions)
            for (head, gradient) in gradients.enumerated() {
                try Task.checkForCancel()
                let pattern = patterns[head * positions * positions..<(head + 1) * positions * positions]
                let product: [Float] = zip(pattern, gradient).map { (weight: Float, slope: Float) in weight * slope }
                let packing = SignedPacking(product, positions: positions)
                scales.append(packing.scale)
                triangles += packing.triangle
            }
        }
        return .object([
            ("value", .number(reply.value)), ("scales", .tensor(scales, [shape.nLayers, shape.nHeads])),
            ("triangles", .base64(triangles)),
        ])
    }
}

extension GradientReply {
    /// The first prompt's gradient at a point of `[head, pos, pos]`, head by head.
    ///
    /// - Throws: `INTERNAL` where it is missing or of another shape.
    fileprivate func heads(at hook: String, count: Int, positions: Int) throws(LensError) -> [ArraySlice<Float>] {
        guard let (shape, values) = gradients[hook]?.first, shape == [count, positions, positions] else {
            throw LensError(.internal, "the daemon sent no gradient of \(hook) over \(positions) positions")
        }
        return (0..<count).map { values[$0 * positions * positions..<($0 + 1) * positions * positions] }
    }
}
