import LensCore

/// The other end of a parked pass: where activations go, and where answers come from.
public struct HookClient: Sendable {
    let send: @Sendable (HookEvent) async throws -> Void
    let receive: @Sendable () async throws -> HookAnswer?

    /// - Parameters:
    ///   - send: gives one event to the client, at its pace.
    ///   - receive: waits for the client's next answer; `nil` when it sends no more.
    public init(
        send: @escaping @Sendable (HookEvent) async throws -> Void,
        receive: @escaping @Sendable () async throws -> HookAnswer?
    ) {
        self.send = send
        self.receive = receive
    }
}
