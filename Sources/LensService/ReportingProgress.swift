import LensCore
import LensWire

/// Runs work of the engine whose progress goes to a client.
///
/// The engine's threads never wait for a client: of the progress that piles up only the newest is sent.
func reportingProgress<Event: Sendable, Value: Sendable>(
    _ context: CallContext, _ send: @escaping SendEvent<Event>,
    _ work: (AsyncStream<Event>.Continuation) async throws(LensError) -> Value
) async throws -> Value {
    let (progress, source) = AsyncStream.makeStream(of: Event.self, bufferingPolicy: .bufferingNewest(1))
    async let sending: Void = {
        do {
            for await event in progress { try await send(event) }
        } catch {
            // Nobody hears the result: the engine need not finish it.
            context.control.cancel()
            throw error
        }
    }()
    let outcome: Result<Value, LensError>
    do {
        outcome = .success(try await work(source))
    } catch {
        outcome = .failure(error)
    }
    source.finish()
    try await sending
    return try outcome.get()
}
