import FoundationEssentials
import GRDB
import LensCore

extension SessionStore {
    /// The most users that one session is shared with.
    private static let maximumGrants = 256

    /// Lets another user read a session of the caller's; returns everybody who may. Once is as good as twice.
    ///
    /// The grant is to the account that has the uid now; another one that gets the uid later does not have it.
    ///
    /// - Throws: `NOT_FOUND`, `PERMISSION_DENIED` for a session that is only shared, `INVALID_ARGUMENT` for oneself,
    ///   `RESOURCE_EXHAUSTED` for too many users.
    public func share(
        _ address: SessionAddress, with user: UInt32, requestID: [UInt8] = [], by caller: UInt32
    ) async throws(LensError) -> [SessionGrant] {
        let account = try await accounts.account(of: user)
        return try await change(AskedChange("share", address.text, "\(user)", requestID: requestID), as: caller) {
            db, caller in
            let session = try Self.own(address, to: "share", by: caller, in: db)
            let user = try Self.ownerMade(of: account, in: db)
            guard user != caller else {
                throw LensError.invalidArgument("session '\(address.text)' is your own: it needs no sharing with you")
            }
            try db.execute(
                sql: """
                    INSERT INTO grants (owner, session, grantee, created) VALUES (?, ?, ?, ?)
                    ON CONFLICT (owner, session, grantee) DO NOTHING
                    """,
                arguments: [session.owner, session.id, user, Timestamp.seconds])
            guard try Self.grants(ofSession: session.id, of: caller, in: db).count <= Self.maximumGrants else {
                throw LensError.resourceExhausted(
                    "a session is shared with at most \(Self.maximumGrants) users; '\(address.text)' is already")
            }
            return MadeChange(subject: session.id)
        } answer: { made, db, caller in
            try Self.grants(ofSession: made.subject, of: caller, in: db)
        }
    }

    /// Takes back what ``share(_:with:requestID:by:)`` gave, at once; returns everybody who still may.
    ///
    /// - Throws: `NOT_FOUND` also where the session is not shared with that user.
    public func unshare(
        _ address: SessionAddress, with user: UInt32, requestID: [UInt8] = [], by caller: UInt32
    ) async throws(LensError) -> [SessionGrant] {
        try await change(AskedChange("unshare", address.text, "\(user)", requestID: requestID), as: caller) {
            db, caller in
            let session = try Self.own(address, to: "unshare", by: caller, in: db)
            try db.execute(
                sql: """
                    DELETE FROM grants WHERE owner = ? AND session = ?
                        AND grantee IN (SELECT number FROM owners WHERE uid = ?)
                    """,
                arguments: [session.owner, session.id, user])
            guard db.changesCount > 0 else {
                throw LensError.notFound("session '\(address.text)' is not shared with uid \(user)")
            }
            return MadeChange(subject: session.id)
        } answer: { made, db, caller in
            try Self.grants(ofSession: made.subject, of: caller, in: db)
        }
    }

    /// Everybody who may read a session of the caller's, oldest grant first.
    ///
    /// - Throws: `NOT_FOUND`, `PERMISSION_DENIED` for a session that is only shared.
    public func grants(of address: SessionAddress, by caller: UInt32) async throws(LensError) -> [SessionGrant] {
        try await read(as: caller) { db, caller in
            let session = try Self.own(address, to: "see who reads", by: caller, in: db)
            return try Self.grants(ofSession: session.id, of: caller, in: db)
        }
    }

    private static func grants(ofSession id: Data, of owner: UInt32, in db: Database) throws -> [SessionGrant] {
        try Row.fetchAll(
            db,
            sql: """
                SELECT uid, account, created FROM grants JOIN owners ON number = grantee
                WHERE owner = ? AND session = ? ORDER BY created, uid
                """,
            arguments: [owner, id]
        ).map { row in
            SessionGrant(
                userID: try row.decode(forColumn: "uid"),
                userName: try row.decode(String?.self, forColumn: "account") ?? "",
                createdAt: try row.decode(forColumn: "created"))
        }
    }
}
