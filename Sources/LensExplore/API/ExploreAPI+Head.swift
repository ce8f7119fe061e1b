internal import LensClient
internal import LensCore
internal import LensReport

/// One head, exactly; and what all heads' attention is worth to a metric.
extension ExploreAPI {
    struct HeadRequest: Decodable {
        enum Part: String, Decodable {
            case pattern, scores, attribution
            case valueWeighted = "value_weighted"
        }

        var pass: PassWords
        var layer: Int
        var head: Int
        var want: [Part]?
        var metric: MetricWords?

        private enum CodingKeys: CodingKey {
            case layer, head, want, metric
        }

        init(from decoder: any Decoder) throws {
            pass = try PassWords(from: decoder)
            let members = try decoder.container(keyedBy: CodingKeys.self)
            layer = try members.decode(Int.self, forKey: .layer)
            head = try members.decode(Int.self, forKey: .head)
            want = try members.decodeIfPresent([Part].self, forKey: .want)
            metric = try members.decodeIfPresent(MetricWords.self, forKey: .metric)
        }
    }

    func head(_ request: HeadRequest) async throws -> ScriptJSON {
        let pass = try await pass(request.pass)
        let shape = try await connection.describeModel(pass.model).model.configuration
        guard (0..<shape.nLayers).contains(request.layer) else {
            throw LensError.outOfRange("layer", request.layer, 0..<shape.nLayers)
        }
        guard (0..<shape.nHeads).contains(request.head) else {
            throw LensError.outOfRange("head", request.head, 0..<shape.nHeads)
        }
        let want = request.want ?? [.pattern]
        let pattern = try await square(.pattern, of: pass, request)
        let positions = pattern.count.squareRootOfSquare
        var members: [(String, ScriptJSON)] = [("layer", .integer(request.layer)), ("head", .integer(request.head))]
        func add(_ name: String, _ values: [Float]) {
            members.append((name, .tensor(values, [positions, positions])))
        }
        if want.contains(.pattern) { add("pattern", pattern) }
        if want.contains(.scores) { add("scores", try await square(.attnScores, of: pass, request)) }
        if want.contains(.valueWeighted) {
            let all = try await valueNorms(pass, request.layer)
            // Of grouped heads several share the values of one.
            let norms = all[min(request.head * all.count / shape.nHeads, all.count - 1)]
            guard norms.count == positions else { throw LensError(.internal, "patterns and values differ in length") }
            add("value_weighted", pattern.indices.map { pattern[$0] * norms[$0 % positions] })
            members.append(("value_norms", .tensor(norms, [positions])))
        }
        if want.contains(.attribution) {
            let hook = HookPoint(.pattern, layer: request.layer).name
            let reply = try await connection.gradient(
                pass.gradient(try (request.metric ?? .loss).terms(), of: [hook]))
            let gradient = try reply.heads(at: hook, count: shape.nHeads, positions: positions)[request.head]
            add("attribution", zip(pattern, gradient).map { $0 * $1 })
            members.append(("metric_value", .number(reply.value)))
        }
        return .object(members)
    }

    /// One head's `[pos, pos]`.
    private func square(_ kind: HookKind, of pass: ExploredPass, _ request: HeadRequest) async throws -> [Float] {
        try await floats(
            QueryRequest(
                source: pass.source, hook: HookPoint(kind, layer: request.layer).name,
                slice: TensorSlice([.index(request.head)]), prompts: [0]))
    }

    // MARK: - All heads

    struct SignedPatternsRequest: Decodable {
        var pass: PassWords
        var metric: MetricWords?

        private enum CodingKeys: CodingKey {
            case metric
        }

        init(from decoder: any Decoder) throws {
            pass = try PassWords(from: decoder)
            metric = try decoder.container(keyedBy: CodingKeys.self).decodeIfPresent(MetricWords.self, forKey: .metric)
        }
    }

    /// Every head's attention times the metric's gradient with respect to it, in eight bits.
    func attribution(_ request: SignedPatternsRequest) async throws -> ScriptJSON {
        let pass = try await pass(request.pass)
        let shape = try await connection.describeModel(pass.model).model.configuration
        let hooks = (0..<shape.nLayers).map { HookPoint(.pattern, layer: $0).name }
        let reply = try await connection.gradient(pass.gradient(try (request.metric ?? .loss).terms(), of: hooks))
        var scales: [Float] = []
        var triangles: [UInt8] = []
        for hook in hooks {
            let patterns = try await floats(QueryRequest(source: pass.source, hook: hook, prompts: [0]))
            let positions = (patterns.count / max(shape.nHeads, 1)).squareRootOfSquare
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

extension Int {
    /// The side of a square of so many cells.
    fileprivate var squareRootOfSquare: Int { Int(Double(self).squareRoot().rounded()) }
}
