import LensCore
import LensEngine
import LensWire

extension InferenceHandler {
    /// Takes the way back through a pass; nothing of it is recorded.
    func gradient(
        _ first: GradientMessage, _ messages: RequestSource<GradientMessage>, _ context: CallContext,
        _ send: @escaping SendEvent<GradientEvent>
    ) async throws {
        guard case .start(let request) = first else {
            throw LensError.invalidArgument("a gradient begins with a start; received an answer")
        }
        let (engine, recipe) = try await prepare(request.model, request.prompts, request.interventions, context)
        let client = HookClient(user: context.peer.userID) { event in
            try await send(.hook(event))
        } receive: {
            guard let message = try await messages.next() else { return nil }
            guard case .answer(let answer) = message else {
                throw LensError.invalidArgument("a gradient has one start; received another")
            }
            return answer
        }
        try await engine.gradient(request, recipe: recipe, client: client, control: context.control) { value in
            try await send(
                .start(
                    model: recipe.model.name ?? "", form: recipe.model.form, fingerprint: recipe.fingerprint,
                    value: value))
        }
    }
}
