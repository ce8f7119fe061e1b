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
        let (values, positions) = try await patterns(of: pass, at: hook, shape)
        let base = pass.edits.isEmpty ? nil : try await patterns(of: pass.base, at: hook, shape).values
        guard base.map({ $0.count == values.count }) ?? true else {
            throw LensError(.internal, "\(hook) has another shape under edits")
        }
        var look = LayerLook()
        try look.take(values, base: base, positions: positions)
        if wantsNorms { look.norms = try await valueNorms(pass, layer, shape).flatMap { $0 } }
        return look
    }
}
