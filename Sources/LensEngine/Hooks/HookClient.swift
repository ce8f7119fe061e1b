import LensCore

/// The other end of a parked pass: where activations go, and where answers come from.
public struct HookClient: Sendable {
    let user: UInt32
    let send: @Sendable (HookEvent) async throws -> Void
    let receive: @Sendable () async throws -> HookAnswer?

    /// - Parameters:
    ///   - user: whose share of the memory for parked passes is used.
    ///   - send: gives one event to the client, at its pace.
    ///   - receive: waits for the client's next answer; `nil` when it sends no more.
    public init(
        user: UInt32, send: @escaping @Sendable (HookEvent) async throws -> Void,
        receive: @escaping @Sendable () async throws -> HookAnswer?
    ) {
        self.user = user
        self.send = send
        self.receive = receive
    }
}
