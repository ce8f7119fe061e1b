import GRDB
public import LensCore

extension SessionStore {
    /// Deletes everything that an account has: runs first, a few at a time, so that other calls hardly wait. What was
    /// deleted before an error stays deleted, and asking again goes on.
    ///
    /// - Throws: `NOT_FOUND` where the uid has nothing; `FAILED_PRECONDITION` where it has sessions of several accounts
    ///   and the request names none of them.
    public func purge(_ request: PurgeRequest, control: CallControl) async throws(LensError) -> PurgeReply {
        var reply = PurgeReply(sessionCount: 0, runCount: 0)
        let owners = try await read { db in try Self.owners(request.account, of: request.userID, in: db) }
        for owner in owners {
            var isGone = false
            while !isGone {
                try control.check()
                let start = ContinuousClock.now
                let deleted = try await write { db in
                    let runs = try Self.deleteOldestRuns(of: owner, in: db) { _ in .delete }
                    return (runs: runs.count, sessions: runs.isAll ? try Self.deleteOwner(owner, in: db) : nil)
                }
                reply.runCount += deleted.runs
                if let sessions = deleted.sessions {
                    reply.sessionCount += sessions
                    isGone = true
                }
                await Self.leaveRoom(after: start)
            }
        }
        try await shrink(keeping: 0)
        return reply
    }

    /// Gives what an account left to the account that the new uid has now.
    ///
    /// - Returns: what that account has then.
    /// - Throws: `NOT_FOUND`; `FAILED_PRECONDITION` where several accounts left something and none is named, or where
    ///   the new holder has sessions of his own.
    public func reassign(_ request: ReassignRequest) async throws(LensError) -> StoredAccount {
        let holder = try await accounts.account(of: request.newUserID)
        return try await write { db in
            guard let owner = try Self.owners(request.account, of: request.userID, in: db).first else {
                throw LensError(.internal, "no owner was chosen")
            }
            if let present = try Self.owner(of: holder, in: db), present != owner {
                let amounts = try Self.amounts(of: present, in: db)
                guard amounts.sessions == 0 else {
                    throw LensError(
                        .failedPrecondition,
                        "\(holder) has \(amounts.sessions) sessions already, and two users' sessions are not mixed; "
                            + "they have to be exported and deleted first")
                }
                _ = try Self.deleteOwner(present, in: db)
            }
            try db.execute(
                sql: "UPDATE owners SET uid = ?, account = ? WHERE number = ?",
                arguments: [holder.userID, holder.name, owner])
            guard let account = try Self.account(numbered: owner, in: db) else {
                throw LensError(.internal, "an owner was gone within a transaction")
            }
            return account
        }
    }

    /// The numbers of the owners that are chosen among a uid's.
    private static func owners(_ choice: AccountChoice, of userID: UInt32, in db: Database) throws -> [UInt32] {
        let rows = try Row.fetchAll(
            db, sql: "SELECT number, account, session_count FROM owners WHERE uid = ? ORDER BY first_seen",
            arguments: [userID])
        let owners = try rows.map { row in
            (
                number: try row.decode(UInt32.self, forColumn: "number"),
                account: Account(
                    userID: userID, name: try row.decode(String?.self, forColumn: "account") ?? ""),
                sessions: try row.decode(Int.self, forColumn: "session_count")
            )
        }
        let chosen =
            switch choice {
            case .every: owners
            case .named(let name): owners.filter { $0.account.name == name }
            case .only: owners.contains { $0.sessions > 0 } ? owners.filter { $0.sessions > 0 } : owners
            }
        guard !chosen.isEmpty else {
            guard case .named(let name) = choice else { throw LensError.notFound("uid \(userID) has no sessions") }
            throw LensError.notFound("\(Account(userID: userID, name: name)) has no sessions")
        }
        guard choice == .every || chosen.count == 1 else {
            let names = chosen.map { "\($0.account) (\($0.sessions) sessions)" }.joined(separator: ", ")
            throw LensError(
                .failedPrecondition, "uid \(userID) has had several accounts with sessions; name one of them: \(names)")
        }
        return chosen.map(\.number)
    }

    /// Deletes an owner whose runs are gone, with his sessions; returns how many these were.
    private static func deleteOwner(_ number: UInt32, in db: Database) throws -> Int {
        try db.execute(sql: "DELETE FROM sessions WHERE owner = ?", arguments: [number])
        let count = db.changesCount
        try db.execute(sql: "DELETE FROM grants WHERE grantee = ?", arguments: [number])
        try db.execute(sql: "DELETE FROM owners WHERE number = ?", arguments: [number])
        return count
    }
}

extension Account: CustomStringConvertible {
    package var description: String {
        name.isEmpty ? "uid \(userID) without an account" : "account \(name.quotedForMessage) of uid \(userID)"
    }
}
