import FoundationEssentials
import GRDB
import LensCore

// Who may read and who may write: looked at here and nowhere else, in the transaction that then reads or writes.

extension SessionStore {
    /// A session that the caller may read.
    struct ReadableSession {
        /// The number of its owner; see ``read(as:_:)``.
        let owner: UInt32
        let id: Data
        let isOwn: Bool
    }

    /// The sessions that `:caller` may read, to begin a statement with.
    static let visible = """
        WITH visible (owner, id) AS (
            SELECT owner, id FROM sessions WHERE owner = :caller
            UNION ALL
            SELECT owner, session FROM grants WHERE grantee = :caller
        )
        """

    /// - Throws: `NOT_FOUND`, the same for what is not there and for what is not shared.
    static func readable(_ address: SessionAddress, by caller: UInt32, in db: Database) throws -> ReadableSession {
        if let id = try ownSession(address.text, of: caller, in: db) {
            return ReadableSession(owner: caller, id: id, isOwn: true)
        }
        guard let foreign = address.foreign else { throw address.notFound }
        let callerID = try UInt32.fetchOne(db, sql: "SELECT uid FROM owners WHERE number = ?", arguments: [caller])
        if foreign.owner == callerID {
            guard let id = try ownSession(foreign.name.text, of: caller, in: db) else { throw address.notFound }
            return ReadableSession(owner: caller, id: id, isOwn: true)
        }
        let row = try Row.fetchOne(
            db,
            sql: """
                SELECT sessions.id, sessions.owner FROM grants
                JOIN sessions ON sessions.owner = grants.owner AND sessions.id = grants.session
                JOIN owners ON owners.number = grants.owner
                WHERE grants.grantee = ? AND owners.uid = ? AND sessions.name = ?
                """,
            arguments: [caller, foreign.owner, foreign.name.text])
        guard let row else { throw address.notFound }
        return ReadableSession(
            owner: try row.decode(forColumn: "owner"), id: try row.decode(forColumn: "id"), isOwn: false)
    }

    /// - Parameter verb: what only the owner may do, for the message.
    /// - Throws: `NOT_FOUND`; `PERMISSION_DENIED` where the session is shared with the caller.
    static func own(
        _ address: SessionAddress, to verb: String, by caller: UInt32, in db: Database
    ) throws -> ReadableSession {
        let session = try readable(address, by: caller, in: db)
        guard session.isOwn else { throw LensError.onlyTheOwner(may: verb, address.text) }
        return session
    }

    private static func ownSession(_ name: String, of owner: UInt32, in db: Database) throws -> Data? {
        try Data.fetchOne(db, sql: "SELECT id FROM sessions WHERE owner = ? AND name = ?", arguments: [owner, name])
    }
}

extension LensError {
    static func onlyTheOwner(may verb: String, _ name: String) -> LensError {
        LensError(.permissionDenied, "'\(name)' is shared with you to read: only its owner may \(verb) it")
    }
}
