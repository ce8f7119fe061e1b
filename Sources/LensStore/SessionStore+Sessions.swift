import FoundationEssentials
import GRDB
import LensCore

extension SessionStore {
    /// The most rows of one answer.
    static let longestPage = 1000

    /// The sessions that the caller may read: his own, last used first, then those shared with him.
    public func sessions(_ request: ListSessionsRequest, for caller: UInt32) async throws(LensError) -> SessionPage {
        try await read(as: caller) { db, caller in
            let scope: StatementArguments = ["caller": caller]
            let rows = try Row.fetchAll(
                db,
                sql: """
                    \(Self.visible) SELECT \(Self.sessionColumns(noteLength: NoteText.shownLength))
                    FROM visible JOIN sessions ON sessions.owner = visible.owner AND sessions.id = visible.id
                    ORDER BY sessions.owner <> :caller, updated DESC, name, sessions.owner LIMIT :limit OFFSET :skip
                    """,
                arguments: ["caller": caller, "limit": Self.pageLength(request.limit), "skip": request.skip])
            let total = try Int.fetchOne(db, sql: "\(Self.visible) SELECT count(*) FROM visible", arguments: scope)
            return SessionPage(sessions: try rows.map { try Self.sessionSummary($0, for: caller) }, total: total ?? 0)
        }
    }

    /// A session that the caller may read with its newest runs, or those before one; the summary's `runCount` counts
    /// them all.
    ///
    /// - Throws: `NOT_FOUND`, also for a run to go on from that is not in the session.
    public func session(
        _ address: SessionAddress, before: String = "", limit: Int = 0, for caller: UInt32
    ) async throws(LensError) -> SessionDetail {
        let before = try before.isEmpty ? nil : RunIdentifier(parsing: before)
        return try await read(as: caller) { db, caller in
            let session = try Self.readable(address, by: caller, in: db)
            var first: Int64?
            if let before {
                first = try Int64.fetchOne(
                    db, sql: "SELECT number FROM runs WHERE owner = ? AND session = ? AND id = ?",
                    arguments: [session.owner, session.id, before.data])
                guard first != nil else {
                    throw LensError.notFound("no run '\(before.text)' in session '\(address.text)'")
                }
            }
            let limit = Self.pageLength(limit)
            let rows = try Row.fetchCursor(
                db,
                sql: """
                    SELECT \(Self.summaryColumns) FROM runs
                    JOIN sessions ON sessions.owner = runs.owner AND sessions.id = runs.session
                    WHERE runs.owner = ? AND runs.session = ? AND number < ? ORDER BY number DESC LIMIT ?
                    """,
                arguments: [session.owner, session.id, first ?? .max, limit + 1])
            let (runs, hasMore) = try Self.page(rows, limit: limit)
            return SessionDetail(
                session: try Self.summary(of: session, for: caller, in: db), runs: runs, hasMore: hasMore)
        }
    }

    /// Makes an empty session.
    ///
    /// - Throws: `ALREADY_EXISTS`, `INVALID_ARGUMENT` for a name that none can have or a note that is too long;
    ///   `NOT_FOUND` for a retry where the session is gone again.
    public func createSession(
        _ request: CreateSessionRequest, requestID: [UInt8] = [], owner: UInt32
    ) async throws(LensError) -> SessionSummary {
        let name = try SessionName(new: request.name)
        let note = try NoteText(checking: request.note)
        return try await change(AskedChange("create", name.text, note.text, requestID: requestID), as: owner) {
            db, owner in
            MadeChange(subject: try Self.insertSession(name, note: note.text, owner: owner, in: db))
        } answer: { made, db, owner in
            try Self.summary(ofMade: made, owner: owner, in: db)
        }
    }

    /// What a call has made, which may have been deleted before its retry.
    static func summary(ofMade made: MadeChange, owner: UInt32, in db: Database) throws -> SessionSummary {
        let isThere = try Bool.fetchOne(
            db, sql: "SELECT EXISTS (SELECT 1 FROM sessions WHERE owner = ? AND id = ?)",
            arguments: [owner, made.subject])
        guard isThere == true else { throw LensError.notFound("the session was made by this call and deleted since") }
        return try summary(of: ReadableSession(owner: owner, id: made.subject, isOwn: true), for: owner, in: db)
    }

    /// - Throws: `ALREADY_EXISTS`.
    static func insertSession(_ name: SessionName, note: String, owner: UInt32, in db: Database) throws -> Data {
        try Self.checkFree(name, owner: owner, in: db)
        let id = RunIdentifier.random().data
        let now = Timestamp.seconds
        try db.execute(
            sql: "INSERT INTO sessions (id, owner, name, created, updated, note) VALUES (?, ?, ?, ?, ?, ?)",
            arguments: [id, owner, name.text, now, now, note])
        return id
    }

    /// Gives a session of the caller's another name; its runs, notes and grants stay with it.
    ///
    /// - Throws: `NOT_FOUND`, `ALREADY_EXISTS`, `PERMISSION_DENIED` for a session that is only shared.
    public func renameSession(
        _ address: SessionAddress, to newName: String, requestID: [UInt8] = [], by caller: UInt32
    ) async throws(LensError) {
        let newName = try SessionName(new: newName)
        try await change(AskedChange("rename", address.text, newName.text, requestID: requestID), as: caller) {
            db, caller in
            let session = try Self.own(address, to: "rename", by: caller, in: db)
            let name = try String.fetchOne(
                db, sql: "SELECT name FROM sessions WHERE owner = ? AND id = ?", arguments: [session.owner, session.id])
            guard name != newName.text else { return MadeChange(subject: session.id) }
            try Self.checkFree(newName, owner: caller, in: db)
            try db.execute(
                sql: "UPDATE sessions SET name = ? WHERE owner = ? AND id = ?",
                arguments: [newName.text, session.owner, session.id])
            return MadeChange(subject: session.id)
        } answer: { _, _, _ in
        }
    }

    private static func checkFree(_ name: SessionName, owner: UInt32, in db: Database) throws {
        let isTaken = try Bool.fetchOne(
            db, sql: "SELECT EXISTS (SELECT 1 FROM sessions WHERE owner = ? AND name = ?)",
            arguments: [owner, name.text])
        guard isTaken != true else {
            throw LensError(.alreadyExists, "you have a session '\(name.text)' already")
        }
    }

    /// Deletes a session of the caller's with its runs and grants; returns how many runs it had.
    ///
    /// - Throws: `NOT_FOUND`, `PERMISSION_DENIED` for a session that is only shared.
    public func deleteSession(
        _ address: SessionAddress, requestID: [UInt8] = [], by caller: UInt32
    ) async throws(LensError) -> Int {
        try await change(AskedChange("delete", address.text, requestID: requestID), as: caller) { db, caller in
            let session = try Self.own(address, to: "delete", by: caller, in: db)
            let scope: StatementArguments = [session.owner, session.id]
            let count = try Int.fetchOne(
                db, sql: "SELECT count(*) FROM runs WHERE owner = ? AND session = ?", arguments: scope)
            try db.execute(sql: "DELETE FROM sessions WHERE owner = ? AND id = ?", arguments: scope)
            return MadeChange(subject: session.id, count: count ?? 0)
        } answer: { made, _, _ in
            made.count
        }
    }

    /// How much the caller has in the store.
    public func counts(owner: UInt32) async throws(LensError) -> StoreCounts {
        try await read(as: owner) { db, owner in
            let row = try Row.fetchOne(
                db, sql: "SELECT session_count, run_count FROM owners WHERE number = ?", arguments: [owner])
            guard let row else { return StoreCounts(sessions: 0, runs: 0) }
            return StoreCounts(
                sessions: try row.decode(forColumn: "session_count"), runs: try row.decode(forColumn: "run_count"))
        }
    }

    // MARK: - Rows

    static func sessionColumns(noteLength: Int) -> String {
        """
        sessions.id, sessions.owner, (SELECT uid FROM owners WHERE owners.number = sessions.owner) AS owner_uid,
        sessions.name, sessions.created, sessions.updated,
        substr(sessions.note, 1, \(noteLength)) AS note,
        (SELECT count(*) FROM runs WHERE runs.owner = sessions.owner AND runs.session = sessions.id) AS run_count,
        (SELECT count(*) FROM grants WHERE grants.owner = sessions.owner AND grants.session = sessions.id)
            AS grant_count
        """
    }

    static func summary(of session: ReadableSession, for caller: UInt32, in db: Database) throws -> SessionSummary {
        let row = try Row.fetchOne(
            db,
            sql: """
                SELECT \(sessionColumns(noteLength: NoteText.maximumLength)) FROM sessions
                WHERE sessions.owner = ? AND sessions.id = ?
                """,
            arguments: [session.owner, session.id])
        guard let row else { throw LensError(.internal, "a session was gone within a transaction") }
        return try sessionSummary(row, for: caller)
    }

    static func sessionSummary(_ row: Row, for caller: UInt32) throws -> SessionSummary {
        let owner: UInt32 = try row.decode(forColumn: "owner")
        return SessionSummary(
            id: try RunIdentifier(stored: row.decode(forColumn: "id")).text, name: try row.decode(forColumn: "name"),
            owner: try row.decode(forColumn: "owner_uid"), createdAt: try row.decode(forColumn: "created"),
            updatedAt: try row.decode(forColumn: "updated"), runCount: try row.decode(forColumn: "run_count"),
            note: try row.decode(forColumn: "note"), isReadOnly: owner != caller,
            grantCount: owner == caller ? try row.decode(forColumn: "grant_count") : 0)
    }

    // MARK: - Pages

    static func pageLength(_ limit: Int, default: Int = longestPage) -> Int {
        limit <= 0 ? `default` : min(limit, longestPage)
    }

    /// As many runs as are asked for and as an answer holds; and whether others follow.
    static func page(_ rows: RowCursor, limit: Int) throws -> (runs: [RunSummary], hasMore: Bool) {
        // A frame holds twice that.
        let budget = 2 << 20
        var runs: [RunSummary] = []
        var size = 0
        while let row = try rows.next() {
            let run = try runSummary(row)
            size += run.approximateSize
            guard runs.count < limit, runs.isEmpty || size <= budget else { return (runs, true) }
            runs.append(run)
        }
        return (runs, false)
    }
}

extension RunSummary {
    /// Bytes on the wire, about.
    fileprivate var approximateSize: Int {
        let texts = edits + effects.map(\.place) + [session, model, fingerprint, excerpt, detail, note]
        return 128 + texts.reduce(0) { $0 + $1.utf8.count + 16 }
    }
}
