import LensCore
import LensEngine
import LensStore
import LensWire

extension InferenceHandler {
    /// Runs a pass with the client's functions in it; a recorded one is in the store before the result leaves.
    func runHooked(
        _ first: HookedRunMessage, _ messages: RequestSource<HookedRunMessage>, _ context: CallContext,
        _ send: @escaping SendEvent<HookedRunEvent>
    ) async throws {
        guard case .start(let request) = first else {
            throw LensError.invalidArgument("a hooked run begins with a start; received an answer")
        }
        let run = request.run
        if run.isRecorded { try await checkSession(run.session, context) }
        let (engine, recipe) = try await prepare(run.model, run.prompts, run.interventions, context)
        try await send(
            .start(model: recipe.model.name ?? "", form: recipe.model.form, fingerprint: recipe.fingerprint))
        let client = HookClient(user: context.peer.userID) { event in
            try await send(.hook(event))
        } receive: {
            guard let message = try await messages.next() else { return nil }
            guard case .answer(let answer) = message else {
                throw LensError.invalidArgument("a hooked run has one start; received another")
            }
            return answer
        }
        let reply = try await engine.runHooked(request, recipe: recipe, client: client, control: context.control)
        guard run.isRecorded else { return try await send(.result(reply)) }
        let new = NewRun(
            session: run.session, recipe: recipe, result: .run(reply),
            excerpt: Self.excerpt(of: run.prompts, tokens: reply.prompts.first?.tokens),
            isHooked: !request.hooks.isEmpty, requestID: context.requestID)
        guard case .run(let recorded) = try await store.record(new, owner: context.peer.userID).result else {
            throw LensError(.internal, "a run was recorded as something else")
        }
        try await send(.result(recorded))
    }
}
