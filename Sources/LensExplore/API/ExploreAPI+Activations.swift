internal import LensClient
internal import LensCore

/// What calls read of a pass.
extension ExploreAPI {
    /// A layer's `[head, pos, pos]`, and how many positions these are.
    func patterns(
        of pass: ExploredPass, at hook: String, _ shape: ModelConfiguration
    ) async throws(LensError) -> (values: [Float], positions: Int) {
        let pattern = try await activation(QueryRequest(source: pass.source, hook: hook, prompts: [0]))
        let positions = pattern.header.shape.last ?? 0
        guard let values = pattern.floats, positions > 0, values.count == shape.nHeads * positions * positions else {
            throw LensError(.internal, "\(hook) came with the shape \(pattern.header.shape)")
        }
        return (values, positions)
    }

    /// `[head][pos]`: how long the value vectors of a layer's heads are; of grouped heads several share theirs.
    func valueNorms(
        _ pass: ExploredPass, _ layer: Int, _ shape: ModelConfiguration
    ) async throws(LensError) -> [[Float]] {
        let v = try await activation(
            QueryRequest(source: pass.source, hook: HookPoint(.v, layer: layer).name, prompts: [0]))
        let size = [shape.nKeyValueHeads, shape.dHead]
        guard let values = v.floats, v.header.shape.count == 3, Array(v.header.shape[1...]) == size else {
            throw LensError(.internal, "\(v.header.hook) came with the shape \(v.header.shape)")
        }
        let (positions, heads, width) = (v.header.shape[0], size[0], size[1])
        return (0..<shape.nHeads).map { head in
            (0..<positions).map { position in
                let start = (position * heads + head * heads / shape.nHeads) * width
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
