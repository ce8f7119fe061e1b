import LensCore
import LensEngine
import LensWire

/// Answers what a model's weights say without a prompt.
struct WeightsHandler: Sendable {
    /// Entries of one event: two tokens each.
    private static let entriesPerEvent = 1024

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

    /// Sends progress while the engine works, then the circuits in parts.
    func circuits(
        _ request: CircuitRequest, _ context: CallContext, _ send: @escaping SendEvent<CircuitEvent>
    ) async throws {
        let engine = try await engine.engine(with: request.model, for: context.caller, control: context.control)
        var circuits = try await reportingProgress(context, send) { (progress) async throws(LensError) in
            try await engine.circuits(request, control: context.control) { done, total in
                progress.yield(.progress(done: done, total: total))
            }
        }
        let heads = circuits.heads
        circuits.heads = []
        try await send(.header(circuits))
        for head in heads {
            try await send(.head(head))
            for start in stride(from: 0, to: head.entries.count, by: Self.entriesPerEvent) {
                let part = head.entries[start..<min(start + Self.entriesPerEvent, head.entries.count)]
                try await send(.entries(Array(part)))
            }
        }
    }

    /// Sends progress while the engine works, then the scores as an array.
    func compositionScores(
        _ request: CompositionRequest, _ context: CallContext, _ send: @escaping SendEvent<WeightEvent>
    ) async throws {
        let engine = try await engine.engine(with: request.model, for: context.caller, control: context.control)
        let scores = try await reportingProgress(context, send) { (progress) async throws(LensError) in
            try await engine.compositionScores(request, control: context.control) { done, total in
                progress.yield(.progress(done: done, total: total))
            }
        }
        try await engine.send(scores, send)
    }
}
