import FoundationEssentials
import GRDB
import LensCore

// Sessions as files: runs leave one by one, and come in one by one into a session that is there only when all are in.

extension SessionStore {
    /// A session that the caller may read and the ids of its runs, oldest first.
    ///
    /// - Parameter runs: ids or prefixes within the session, in whose order they are answered; none means all.
    /// - Throws: `NOT_FOUND`, `INVALID_ARGUMENT` for a prefix that several runs share.
    public func runs(
        _ runs: [String], of address: SessionAddress, for caller: UInt32
    ) async throws(LensError) -> (session: SessionSummary, runs: [RunAddress]) {
        guard runs.count <= Self.longestPage else {
            throw .invalidArgument("at most \(Self.longestPage) runs are named; received \(runs.count)")
        }
        let named = try runs.map { (run) throws(LensError) in try RunAddress(run, in: address) }
        return try await read(as: caller) { db, caller in
            let session = try Self.readable(address, by: caller, in: db)
            let ids: [String] =
                if named.isEmpty {
                    try Data.fetchAll(
                        db, sql: "SELECT id FROM runs WHERE owner = ? AND session = ? ORDER BY number",
                        arguments: [session.owner, session.id]
                    ).map { try RunIdentifier(stored: $0).text }
                } else {
                    try named.map { try Self.identifier(Self.row(of: $0, for: caller, in: db)) }
                }
            return (
                try Self.summary(of: session, for: caller, in: db), try ids.map { try RunAddress($0, in: address) }
            )
        }
    }

    // MARK: - Coming in

    /// Adds a run of a file to a session that is being imported, marked as such. It gets an id of its own.
    ///
    /// - Parameter session: the session's id.
    /// - Throws: `NOT_FOUND` where the session is gone, `RESOURCE_EXHAUSTED`.
    package func add(_ imported: ImportedRun, to session: String, owner: UInt32) async throws(LensError) {
        let id = try RunIdentifier(parsing: session).data
        let encoded = try EncodedRun(imported.run)
        try await write(as: owner) { db, owner in
            let name = try String.fetchOne(
                db, sql: "SELECT name FROM sessions WHERE owner = ? AND id = ?", arguments: [owner, id])
            guard let name else { throw LensError.notFound("the session was deleted while it was imported") }
            _ = try Self.insert(
                encoded, of: imported.run, from: imported, session: SessionName(checking: name), owner: owner, in: db)
        }
    }

    /// Takes back a session whose import did not come to its end.
    public func dropImport(_ session: String, owner: UInt32) async {
        guard let id = try? RunIdentifier(parsing: session).data else { return }
        try? await write(as: owner) { db, owner in
            try db.execute(sql: "DELETE FROM sessions WHERE owner = ? AND id = ?", arguments: [owner, id])
        }
    }
}
