import FoundationEssentials
import GRDB
import LensCore

extension SessionStore {
    /// The caller's sessions, last used first.
    public func sessions(owner: UInt32) async throws(LensError) -> [SessionSummary] {
        try await read { db in
            try Row.fetchAll(db, sql: Self.sessionQuery + " ORDER BY updated DESC, name", arguments: [owner])
                .map(Self.sessionSummary)
        }
    }

    /// One session of the caller with its newest runs; the summary's `runCount` counts them all.
    ///
    /// - Throws: `NOT_FOUND`, `INVALID_ARGUMENT` for a name that none can have.
    public func session(
        named name: String, owner: UInt32, runLimit: Int = 1000
    ) async throws(LensError) -> SessionDetail {
        let name = try SessionName(checking: name)
        return try await read { db in
            let session = try Self.session(named: name, owner: owner, in: db)
            let rows = try Row.fetchAll(
                db,
                sql: """
                    SELECT \(Self.summaryColumns) FROM runs
                    JOIN sessions ON sessions.owner = runs.owner AND sessions.id = runs.session
                    WHERE runs.owner = ? AND sessions.name = ? ORDER BY number DESC LIMIT ?
                    """,
                arguments: [owner, name.text, runLimit])
            return SessionDetail(session: session, runs: try rows.map(Self.runSummary))
        }
    }

    /// Deletes a session of the caller and every run in it.
    ///
    /// - Returns: how many runs were deleted.
    /// - Throws: `NOT_FOUND`, `INVALID_ARGUMENT` for a name that none can have.
    public func deleteSession(named name: String, owner: UInt32) async throws(LensError) -> Int {
        let name = try SessionName(checking: name)
        return try await write { db in
            let session = try Self.session(named: name, owner: owner, in: db)
            try db.execute(sql: "DELETE FROM sessions WHERE owner = ? AND name = ?", arguments: [owner, name.text])
            return session.runCount
        }
    }

    /// How much the caller has in the store.
    public func counts(owner: UInt32) async throws(LensError) -> StoreCounts {
        try await read { db in
            let sessions = try Int.fetchOne(
                db, sql: "SELECT count(*) FROM sessions WHERE owner = ?", arguments: [owner])
            let runs = try Int.fetchOne(db, sql: "SELECT count(*) FROM runs WHERE owner = ?", arguments: [owner])
            return StoreCounts(sessions: sessions ?? 0, runs: runs ?? 0)
        }
    }

    // MARK: - Rows

    private static let sessionQuery = """
        SELECT id, name, created, updated,
            (SELECT count(*) FROM runs WHERE runs.owner = sessions.owner AND runs.session = sessions.id) AS run_count
        FROM sessions WHERE owner = ?
        """

    private static func session(named name: SessionName, owner: UInt32, in db: Database) throws -> SessionSummary {
        let row = try Row.fetchOne(db, sql: sessionQuery + " AND name = ?", arguments: [owner, name.text])
        guard let row else { throw LensError.notFound("no session '\(name.text)' among your sessions") }
        return try sessionSummary(row)
    }

    private static func sessionSummary(_ row: Row) throws -> SessionSummary {
        SessionSummary(
            id: try RunIdentifier(stored: row.decode(forColumn: "id")).text, name: try row.decode(forColumn: "name"),
            createdAt: try row.decode(forColumn: "created"), updatedAt: try row.decode(forColumn: "updated"),
            runCount: try row.decode(forColumn: "run_count"))
    }
}
