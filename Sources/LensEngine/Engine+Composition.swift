import LensCore
import LensModel
import LensTensor

extension Engine {
    /// How much of what each head writes each later one reads.
    ///
    /// - Parameter progress: called from the engine's thread with pairs of layers.
    /// - Throws: `NOT_FOUND` for the model, `CANCELLED`, `DEADLINE_EXCEEDED`, `RESOURCE_EXHAUSTED` where too much waits to
    ///   be read.
    public func compositionScores(
        _ request: CompositionRequest, control: CallControl, progress: @escaping @Sendable (Int, Int) -> Void
    ) async throws(LensError) -> CompositionScores {
        let subject = try weightSubject(request.model)
        let found = try await passes.run(
            CompositionJob(request.kind, of: subject), for: user,
            asking: subject.question("composition scores") { $0.add(request.kind.rawValue) }, takesKept: !recomputes,
            control: control, progress: progress)
        return CompositionScores(
            header: WeightHeader(
                name: "composition_scores.\(request.kind)", shape: found.scores.shape, model: subject.modelText,
                fingerprint: subject.recipe.fingerprint),
            values: found.scores, room: try AnswerReservation(answers, bytes: found.scores.byteCount))
    }

    /// Sends composition scores: the header, then the values.
    public func send(
        _ scores: CompositionScores, _ send: (WeightEvent) async throws -> Void
    ) async throws {
        try await send(.header(scores.header))
        try await self.send(scores.values, held: scores.room, send)
    }
}

/// Composition scores on their way to a client.
public struct CompositionScores: Sendable {
    public let header: WeightHeader
    /// `[layer, head, layer, head]`
    let values: Tensor
    let room: AnswerReservation
}
