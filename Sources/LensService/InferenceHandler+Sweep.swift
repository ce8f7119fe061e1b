import LensCore
import LensEngine
import LensStore
import LensWire

extension InferenceHandler {
    /// The most numbers of a sweep that is kept in a session.
    static let maximumRecordedValues = 1 << 20

    /// Sends progress while the engine works, then the reply in parts.
    func sweep(
        _ request: SweepRequest, _ context: CallContext, _ send: @escaping SendEvent<SweepEvent>
    ) async throws {
        for event in try await reply(to: request, context, send).events() { try await send(event) }
    }

    private func reply(
        to request: SweepRequest, _ context: CallContext, _ send: @escaping SendEvent<SweepEvent>
    ) async throws -> SweepReply {
        if request.isRecorded { try await checkSession(request.session, context) }
        let (engine, recipe) = try await prepare(request.model, request.prompts, request.interventions, context)
        let sweep = try engine.prepare(
            request.sweep, of: recipe, runs: try await runs(of: request.sweep.edits, on: engine, context))
        if request.isRecorded, case .sweep(let earlier, _) = try await earlierResult(of: recipe, .sweep(sweep), context)
        {
            return earlier
        }
        let reply = try await reportingProgress(context, send) { (progress) async throws(LensError) in
            try await engine.sweep(
                sweep, of: recipe, maximumValues: request.isRecorded ? Self.maximumRecordedValues : nil,
                control: context.control
            ) { done, total in progress.yield(.progress(done: done, total: total)) }
        }
        guard request.isRecorded else { return reply }
        let run = NewRun(
            session: request.session, recipe: recipe, result: .sweep(reply, of: sweep),
            excerpt: Self.excerpt(of: request.prompts, tokens: reply.tokens.first), requestID: context.requestID)
        guard case .sweep(let recorded, _) = try await store.record(run, owner: context.peer.userID).result else {
            throw LensError(.internal, "a sweep was recorded as something else")
        }
        return recorded
    }
}
