import GRDB
import LensCore

extension SessionStore {
    /// The most users that one session is shared with.
    private static let maximumGrants = 256

    /// Lets another user read a session of the caller's; returns everybody who may. Once is as good as twice.
    ///
    /// - Parameter account: the name of the user's account, where there is one.
    /// - Throws: `NOT_FOUND`, `PERMISSION_DENIED` for a session that is only shared, `INVALID_ARGUMENT` for oneself,
    ///   `RESOURCE_EXHAUSTED` for too many users.
    public func share(
        _ address: SessionAddress, with user: UInt32, account: String?, by caller: UInt32
    ) async throws(LensError) -> [SessionGrant] {
        try await write { db in
            let session = try Self.own(address, to: "share", by: caller, in: db)
            guard user != caller else {
                throw LensError.invalidArgument("session '\(address.text)' is your own: it needs no sharing with you")
            }
            try db.execute(
                sql: """
                    INSERT INTO grants (owner, session, grantee, account, created) VALUES (?, ?, ?, ?, ?)
                    ON CONFLICT (owner, session, grantee) DO UPDATE SET account = excluded.account
                    """,
                arguments: [session.owner, session.id, user, account, Timestamp.seconds])
            let grants = try Self.grants(of: session, in: db)
            guard grants.count <= Self.maximumGrants else {
                throw LensError.resourceExhausted(
                    "a session is shared with at most \(Self.maximumGrants) users; '\(address.text)' is already")
            }
            return grants
        }
    }

    /// Takes back what ``share(_:with:account:by:)`` gave, at once; returns everybody who still may.
    ///
    /// - Throws: `NOT_FOUND` also where the session is not shared with that user.
    public func unshare(
        _ address: SessionAddress, with user: UInt32, by caller: UInt32
    ) async throws(LensError) -> [SessionGrant] {
        try await write { db in
            let session = try Self.own(address, to: "unshare", by: caller, in: db)
            try db.execute(
                sql: "DELETE FROM grants WHERE owner = ? AND session = ? AND grantee = ?",
                arguments: [session.owner, session.id, user])
            guard db.changesCount > 0 else {
                throw LensError.notFound("session '\(address.text)' is not shared with uid \(user)")
            }
            return try Self.grants(of: session, in: db)
        }
    }

    /// Everybody who may read a session of the caller's, oldest grant first.
    ///
    /// - Throws: `NOT_FOUND`, `PERMISSION_DENIED` for a session that is only shared.
    public func grants(of address: SessionAddress, by caller: UInt32) async throws(LensError) -> [SessionGrant] {
        try await read { db in
            try Self.grants(of: Self.own(address, to: "see who reads", by: caller, in: db), in: db)
        }
    }

    private static func grants(of session: ReadableSession, in db: Database) throws -> [SessionGrant] {
        try Row.fetchAll(
            db,
            sql: """
                SELECT grantee, account, created FROM grants WHERE owner = ? AND session = ? ORDER BY created, grantee
                """,
            arguments: [session.owner, session.id]
        ).map { row in
            SessionGrant(
                userID: try row.decode(forColumn: "grantee"),
                userName: try row.decode(String?.self, forColumn: "account") ?? "",
                createdAt: try row.decode(forColumn: "created"))
        }
    }
}
