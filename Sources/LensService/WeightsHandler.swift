import LensCore
import LensEngine
import LensWire

/// Answers what a model's weights say without a prompt.
struct WeightsHandler: Sendable {
    let engine: SharedEngine

    func list(_ model: ModelReference, _ context: CallContext) async throws(LensError) -> ParameterList {
        try await engine.engine(with: model, for: context.caller, control: context.control).parameters(of: model)
    }

    func parameter(
        _ request: ParameterRequest, _ context: CallContext, _ send: @escaping SendEvent<WeightEvent>
    ) async throws {
        try await engine.engine(with: request.model, for: context.caller, control: context.control)
            .parameter(request, control: context.control, send: send)
    }
}
