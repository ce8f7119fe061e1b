import LensCore
import LensStore
import LensWire

/// Answers what stands in the caller's sessions.
struct SessionsHandler: Sendable {
    let store: SessionStore

    func list(_ context: CallContext) async throws(LensError) -> [SessionSummary] {
        try await store.sessions(owner: context.peer.userID)
    }

    func show(_ request: SessionRequest, _ context: CallContext) async throws(LensError) -> SessionDetail {
        try await store.session(named: request.name, owner: context.peer.userID)
    }

    /// - Returns: how many runs were deleted with the session.
    func delete(_ request: SessionRequest, _ context: CallContext) async throws(LensError) -> Int {
        let count = try await store.deleteSession(named: request.name, owner: context.peer.userID)
        context.logger.info("session deleted", metadata: ["runs": "\(count)"])
        return count
    }
}
