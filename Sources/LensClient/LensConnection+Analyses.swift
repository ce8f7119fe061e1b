public import LensCore
internal import LensWire

// Analyses of passes. Each throws the call's status as a LensError.

extension LensConnection {
    /// A head's scores as sums over what queries and keys are made of.
    public func splitScore(
        _ request: ScoreSplitRequest, options: CallOptions = CallOptions()
    ) async throws(LensError) -> ScoreSplitReply {
        try await call(.splitScore, request, options: options)
    }

    /// What the model would predict from each point of the residual stream.
    public func logitLens(
        _ request: LogitLensRequest, options: CallOptions = CallOptions()
    ) async throws(LensError) -> LogitLensReply {
        try await call(.logitLens, request, options: options)
    }

    /// Logits, or differences of two, as sums over what was written into the residual stream.
    public func attribute(
        _ request: AttributionRequest, options: CallOptions = CallOptions()
    ) async throws(LensError) -> AttributionReply {
        try await call(.attribute, request, options: options)
    }

    /// Activations, reduced where they are computed.
    public func reduce(
        _ request: ReductionRequest, options: CallOptions = CallOptions()
    ) async throws(LensError) -> ReductionReply {
        try await call(.reduce, request, options: options)
    }

    /// How much of each head's pattern lies on targets.
    public func detectHeads(
        _ request: HeadDetectionRequest, options: CallOptions = CallOptions()
    ) async throws(LensError) -> HeadDetectionReply {
        try await call(.detectHeads, request, options: options)
    }

    /// Attention to the token behind the earlier occurrence, on random tokens that are repeated once.
    public func scoreInduction(
        _ request: InductionRequest, options: CallOptions = CallOptions()
    ) async throws(LensError) -> InductionReply {
        try await call(.scoreInduction, request, options: options)
    }
}
