import LensCore
import LensEngine
import LensStore
import LensWire

extension InferenceHandler {
    /// Generates text with the client's functions in every pass; tokens go out between the points.
    func generateHooked(
        _ first: HookedGenerateMessage, _ messages: RequestSource<HookedGenerateMessage>, _ context: CallContext,
        _ send: @escaping SendEvent<HookedGenerateEvent>
    ) async throws {
        guard case .start(let request) = first else {
            throw LensError.invalidArgument("a hooked generation begins with a start; received an answer")
        }
        let generation = request.generation
        if generation.isRecorded { try await checkSession(generation.session, context) }
        let (engine, recipe) = try await prepare(
            generation.model, generation.prompts, generation.interventions, context)
        let client = HookClient(user: context.peer.userID) { event in
            try await send(.hook(event))
        } receive: {
            guard let message = try await messages.next() else { return nil }
            guard case .answer(let answer) = message else {
                throw LensError.invalidArgument("a hooked generation has one start; received another")
            }
            return answer
        }
        let reply = try await engine.generateHooked(
            request, recipe: recipe, client: client, control: context.control
        ) { news in try await send(.generation(.tokens(news))) }
        let recorded =
            generation.isRecorded
            ? try await record(reply, of: generation, recipe: recipe, isHooked: true, context) : reply
        try await finish(recorded) { event in try await send(.generation(event)) }
    }
}
