public import LensCore
internal import LensWire

// What a model's weights say without a prompt. Each throws the call's status as a LensError.

extension LensConnection {
    /// Every parameter of a model's form with its shape.
    public func parameters(
        of model: ModelReference, options: CallOptions = CallOptions()
    ) async throws(LensError) -> ParameterList {
        try await call(.listParameters, model, options: options)
    }

    /// One parameter in TransformerLens's layout, whole or sliced.
    public func parameter(
        _ request: ParameterRequest, options: CallOptions = CallOptions()
    ) async throws(LensError) -> WeightArray {
        try await whole(.parameter, request, options: options) { (events) async throws(LensError) in
            try await WeightArray(events)
        }
    }

    /// Heads' circuits: their eigenvalues, and their largest entries.
    ///
    /// - Parameter onProgress: learns what is done of what there is to do.
    public func circuits(
        _ request: CircuitRequest, options: CallOptions = CallOptions(),
        onProgress: (_ done: Int, _ total: Int) -> Void = { _, _ in }
    ) async throws(LensError) -> HeadCircuits {
        try await whole(.circuits, request, options: options) { (events) async throws(LensError) in
            var circuits: HeadCircuits?
            for try await event in events {
                switch event {
                case .progress(let done, let total): onProgress(done, total)
                case .header(let header): circuits = header
                case .head(let head): circuits?.heads.append(head)
                case .entries(let entries):
                    guard let last = circuits?.heads.indices.last else {
                        throw LensError(.internal, "the daemon sent a circuit's entries before its head")
                    }
                    circuits?.heads[last].entries += entries
                }
            }
            guard let circuits else { throw LensError(.internal, "the daemon ended the circuits without a result") }
            return circuits
        }
    }

    /// Composition scores of all pairs of heads, `[layer, head, layer, head]`.
    ///
    /// - Parameter onProgress: learns how many pairs of layers are done.
    public func compositionScores(
        _ request: CompositionRequest, options: CallOptions = CallOptions(),
        onProgress: (_ done: Int, _ total: Int) -> Void = { _, _ in }
    ) async throws(LensError) -> WeightArray {
        try await whole(.compositionScores, request, options: options) { (events) async throws(LensError) in
            try await WeightArray(events, onProgress: onProgress)
        }
    }
}
