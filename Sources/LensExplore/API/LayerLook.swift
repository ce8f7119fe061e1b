internal import LensClient
internal import LensCore
internal import LensReport

/// What one layer's heads look like.
struct LayerLook: Sendable {
    /// One per head.
    var packings: [CausalPacking] = []
    /// Per head, how far the edits moved its pattern: the mean over destinations of half the summed differences, 0...1.
    var change: [Float] = []
    /// `[head, pos]`: how long the value vectors are.
    var norms: [Float] = []

    /// Sources that every row keeps exactly; the others have an error under 0.004.
    private static let exactSources = 4

    /// - Parameters:
    ///   - values: `[head, pos, pos]` of the edited pass.
    ///   - base: likewise of the unedited one.
    mutating func take(_ values: [Float], base: [Float]?, positions: Int) throws(LensError) {
        let size = positions * positions
        for (head, start) in stride(from: 0, to: values.count, by: size).enumerated() {
            try Task.checkForCancel()
            let weights = Array(values[start..<start + size])
            packings.append(
                try CausalPacking(
                    weights: Self.asPattern(weights, positions), positions: positions, topCount: Self.exactSources))
            if let base {
                let before = base[head * size..<(head + 1) * size]
                let moved = zip(weights, before).reduce(0.0) { $0 + Double(abs($1.0 - $1.1)) }
                change.append(Float(moved / 2 / Double(positions)))
            }
        }
    }

    /// An edited pattern may be anything; what cannot be shown as attention is brought into its range.
    private static func asPattern(_ weights: [Float], _ positions: Int) -> [Float] {
        weights.enumerated().map { index, weight in
            index % positions > index / positions || weight.isNaN ? 0 : min(max(weight, 0), 1)
        }
    }
}

extension ExploreAPI {
    /// Layers asked for and packed at a time: one comes while another is packed.
    private static let layersAtOnce = 3

    /// All layers' patterns, in their order.
    func layerLooks(
        _ pass: ExploredPass, _ layers: [Int], _ shape: ModelConfiguration, wantsNorms: Bool
    ) async throws -> [LayerLook] {
        try await withThrowingTaskGroup(of: (Int, LayerLook).self) { group in
            var looks = [LayerLook](repeating: LayerLook(), count: layers.count)
            var rest = layers.indices.makeIterator()
            func addNext() {
                guard let index = rest.next() else { return }
                group.addTask { (index, try await layerLook(pass, layers[index], shape, wantsNorms: wantsNorms)) }
            }
            for _ in 0..<Self.layersAtOnce { addNext() }
            while let (index, look) = try await group.next() {
                looks[index] = look
                addNext()
            }
            return looks
        }
    }

    private func layerLook(
        _ pass: ExploredPass, _ layer: Int, _ shape: ModelConfiguration, wantsNorms: Bool
    ) async throws -> LayerLook {
        let hook = HookPoint(.pattern, layer: layer).name
        let pattern = try await activation(QueryRequest(source: pass.source, hook: hook, prompts: [0]))
        let base: [Float]? =
            pass.edits.isEmpty
            ? nil : try await floats(QueryRequest(source: pass.base.source, hook: hook, prompts: [0]))
        let positions = pattern.header.shape.last ?? 0
        let values = pattern.floats ?? []
        guard positions > 0, values.count == shape.nHeads * positions * positions,
            base.map({ $0.count == values.count }) ?? true
        else {
            throw LensError(.internal, "\(hook) came with the shape \(pattern.header.shape)")
        }
        var look = LayerLook()
        try look.take(values, base: base, positions: positions)
        if wantsNorms {
            let norms = try await valueNorms(pass, layer)
            let perHead = shape.nHeads / max(norms.count, 1)
            look.norms = (0..<shape.nHeads).flatMap { norms[min($0 / max(perHead, 1), norms.count - 1)] }
        }
        return look
    }

    /// `[key-value head][pos]`: how long a layer's value vectors are.
    func valueNorms(_ pass: ExploredPass, _ layer: Int) async throws -> [[Float]] {
        let v = try await activation(
            QueryRequest(source: pass.source, hook: HookPoint(.v, layer: layer).name, prompts: [0]))
        guard let values = v.floats, v.header.shape.count == 3, !values.isEmpty else {
            throw LensError(.internal, "\(v.header.hook) came with the shape \(v.header.shape)")
        }
        let (positions, heads, width) = (v.header.shape[0], v.header.shape[1], v.header.shape[2])
        return (0..<heads).map { head in
            (0..<positions).map { position in
                let start = (position * heads + head) * width
                return values[start..<start + width].reduce(Float(0)) { $0 + $1 * $1 }.squareRoot()
            }
        }
    }

    /// The one activation that a query for a single prompt asks for.
    func activation(_ request: QueryRequest) async throws(LensError) -> Activation {
        guard let activation = try await connection.query(request).first else {
            throw LensError(.internal, "the daemon answered a query without an activation")
        }
        return activation
    }

    func floats(_ request: QueryRequest) async throws(LensError) -> [Float] {
        guard let floats = try await activation(request).floats else {
            throw LensError(.internal, "\(request.hook) came as something else than float32")
        }
        return floats
    }
}

extension Task where Success == Never, Failure == Never {
    /// - Throws: `CANCELLED` where nobody waits any more.
    static func checkForCancel() throws(LensError) {
        if isCancelled { throw LensError(.cancelled, "the page no longer waits for this") }
    }
}
