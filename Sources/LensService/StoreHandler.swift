import LensCore
import LensStore
import LensWire

/// Answers the administrator about what all users keep; everybody else gets `PERMISSION_DENIED`.
struct StoreHandler: Sendable {
    /// A quarter of what a reply frame may carry.
    private static let chunkSize = 1 << 20

    let store: SessionStore

    func usage(_ context: CallContext) async throws(LensError) -> StoreUsage {
        try context.caller.checkIsAdministrator(to: "see what all users have")
        return try await store.usage()
    }

    func purge(_ request: PurgeRequest, _ context: CallContext) async throws(LensError) -> PurgeReply {
        try context.caller.checkIsAdministrator(to: "purge")
        let reply = try await store.purge(request, control: context.control)
        context.logger.notice(
            "purged",
            metadata: ["uid": "\(request.userID)", "sessions": "\(reply.sessionCount)", "runs": "\(reply.runCount)"])
        return reply
    }

    func reassign(_ request: ReassignRequest, _ context: CallContext) async throws(LensError) -> StoredAccount {
        try context.caller.checkIsAdministrator(to: "reassign sessions")
        let account = try await store.reassign(request)
        context.logger.notice(
            "reassigned",
            metadata: [
                "uid": "\(request.userID)", "to": "\(request.newUserID)", "sessions": "\(account.sessionCount)",
            ])
        return account
    }

    func check(_ context: CallContext) async throws(LensError) -> StoreCheck {
        try context.caller.checkIsAdministrator(to: "check the store")
        let check = try await store.check()
        if !check.complaints.isEmpty {
            context.logger.error("the store is not sound", metadata: ["complaints": "\(check.complaints.count)"])
        }
        return check
    }

    /// Sends the size of a copy, then its bytes as fast as the client takes them.
    func backup(_ context: CallContext, _ send: @escaping SendEvent<BackupEvent>) async throws {
        try context.caller.checkIsAdministrator(to: "back up the store")
        let snapshot = try await store.snapshot()
        try await send(.size(snapshot.size))
        var offset = 0
        while offset < snapshot.size {
            try context.control.check()
            let bytes = try snapshot.read(from: offset, count: Self.chunkSize)
            guard !bytes.isEmpty else { throw LensError(.internal, "the copy of the store ended early") }
            try await send(.bytes(bytes))
            offset += bytes.count
        }
        context.logger.info("backed up", metadata: ["bytes": "\(snapshot.size)"])
    }
}
