import LensCore
import LensStore
import LensWire

/// Answers what stands in the caller's sessions and in those that are shared with him.
///
/// Names of users become uids here, and uids names; who may do what is the store's matter.
struct SessionsHandler: Sendable {
    let store: SessionStore

    func list(_ request: ListSessionsRequest, _ context: CallContext) async throws(LensError) -> SessionPage {
        var page = try await store.sessions(request, for: context.peer.userID)
        await name(&page.sessions)
        return page
    }

    func show(_ request: ShowSessionRequest, _ context: CallContext) async throws(LensError) -> SessionDetail {
        var detail = try await store.session(
            try await SessionAddress(parsing: request.name), before: request.before, limit: request.limit,
            for: context.peer.userID)
        detail.session = await named(detail.session)
        for index in detail.runs.indices { detail.runs[index].session = detail.session.address }
        return detail
    }

    func create(_ request: CreateSessionRequest, _ context: CallContext) async throws(LensError) -> SessionSummary {
        await named(
            try await store.createSession(request, requestID: context.requestID, owner: context.peer.userID))
    }

    func rename(_ request: RenameSessionRequest, _ context: CallContext) async throws(LensError) -> EmptyRequest {
        try await store.renameSession(
            try await SessionAddress(parsing: request.name), to: request.newName, requestID: context.requestID,
            by: context.peer.userID)
        return EmptyRequest()
    }

    /// - Returns: how many runs were deleted with the session.
    func delete(_ request: SessionRequest, _ context: CallContext) async throws(LensError) -> Int {
        let count = try await store.deleteSession(
            try await SessionAddress(parsing: request.name), requestID: context.requestID, by: context.peer.userID)
        context.logger.info("session deleted", metadata: ["runs": "\(count)"])
        return count
    }

    // MARK: - Sharing

    func share(_ request: ShareSessionRequest, _ context: CallContext) async throws(LensError) -> [SessionGrant] {
        let address = try await SessionAddress(parsing: request.name)
        let user = try await userID(request.user)
        let grants = try await store.share(
            address, with: user, requestID: context.requestID, by: context.peer.userID)
        context.logger.info("session shared", metadata: ["with": "\(user)"])
        return grants
    }

    func unshare(_ request: ShareSessionRequest, _ context: CallContext) async throws(LensError) -> [SessionGrant] {
        let address = try await SessionAddress(parsing: request.name)
        let user = try await userID(request.user)
        let grants = try await store.unshare(
            address, with: user, requestID: context.requestID, by: context.peer.userID)
        context.logger.info("session unshared", metadata: ["with": "\(user)"])
        return grants
    }

    func grants(_ request: SessionRequest, _ context: CallContext) async throws(LensError) -> [SessionGrant] {
        try await store.grants(of: try await SessionAddress(parsing: request.name), by: context.peer.userID)
    }

    private func userID(_ text: String) async throws(LensError) -> UInt32 {
        guard let user = await UserReference.userID(text, named: UserAccounts.userID), user != 65534 else {
            throw .invalidArgument("expected a user's name or uid; \(text.quotedForMessage) is no user of this machine")
        }
        return user
    }

    // MARK: - Notes and search

    func setNote(_ request: SetNoteRequest, _ context: CallContext) async throws(LensError) -> String {
        let caller = context.peer.userID
        switch request.subject {
        case .session(let name):
            return try await store.setNote(
                request.text, of: try await SessionAddress(parsing: name), requestID: context.requestID, by: caller)
        case .run(let run):
            return try await store.setNote(
                request.text, of: try await RunAddress(parsing: run), requestID: context.requestID, by: caller)
        }
    }

    func search(_ request: SearchSessionsRequest, _ context: CallContext) async throws(LensError) -> SessionFindings {
        let caller = context.peer.userID
        var found = try await store.search(request, for: caller)
        await name(&found.sessions)
        var names: [UInt32: String] = [:]
        for index in found.runs.indices where found.runs[index].owner != caller {
            let owner = found.runs[index].owner
            if names[owner] == nil { names[owner] = await Self.name(of: owner) }
            found.runs[index].session = "\(names[owner] ?? "")/\(found.runs[index].session)"
        }
        return found
    }

    // MARK: - Names of owners

    private func name(_ sessions: inout [SessionSummary]) async {
        var names: [UInt32: String] = [:]
        for index in sessions.indices {
            let owner = sessions[index].owner
            if names[owner] == nil { names[owner] = await UserAccounts.name(of: owner) ?? "" }
            sessions[index].name(owner: names[owner] ?? "")
        }
    }

    func named(_ session: SessionSummary) async -> SessionSummary {
        var session = session
        session.name(owner: await UserAccounts.name(of: session.owner) ?? "")
        return session
    }

    /// What stands before the `/` of an address.
    private static func name(of owner: UInt32) async -> String {
        await UserAccounts.name(of: owner) ?? String(owner)
    }
}

extension SessionSummary {
    fileprivate mutating func name(owner account: String) {
        ownerName = account
        address = isReadOnly ? "\(account.isEmpty ? String(owner) : account)/\(name)" : name
    }
}

extension SessionAddress {
    /// Reads an address as the machine's accounts have it.
    init(parsing text: String) async throws(LensError) {
        try await self.init(parsing: text, userID: UserAccounts.userID)
    }
}

extension RunAddress {
    /// Reads an address as the machine's accounts have it.
    init(parsing text: String) async throws(LensError) {
        try await self.init(parsing: text, userID: UserAccounts.userID)
    }
}
