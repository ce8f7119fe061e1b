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

    /// Makes the session of an import, which is taken back unless ``endImport(of:as:requestID:owner:)`` follows, by
    /// ``dropImport(_:owner:)``, by a retry or by the next start.
    ///
    /// - Returns: the session's id, and whether an earlier try has imported it: what comes again is then passed over.
    /// - Throws: as ``createSession(_:requestID:owner:)``.
    public func beginImport(
        _ request: CreateSessionRequest, requestID: [UInt8] = [], owner: UInt32
    ) async throws(LensError) -> (session: String, isIn: Bool) {
        let name = try SessionName(new: request.name)
        let note = try NoteText(checking: request.note)
        let asked = try AskedChange("import", request.name, request.note, requestID: requestID)
        return try await write(as: owner) { db, owner in
            if let made = try Self.made(asked, by: owner, in: db) {
                return (try RunIdentifier(stored: made.subject).text, true)
            }
            let requestID = requestID.isEmpty ? nil : Data(requestID)
            // The try before may not know yet that nobody hears it any more.
            try db.execute(
                sql: """
                    DELETE FROM sessions WHERE owner = :owner AND id IN (
                        SELECT session FROM imports WHERE owner = :owner AND request_id = :request)
                    """,
                arguments: ["owner": owner, "request": requestID])
            let id = try Self.insertSession(name, note: note.text, owner: owner, in: db)
            try db.execute(
                sql: "INSERT INTO imports (owner, session, request_id) VALUES (?, ?, ?)",
                arguments: [owner, id, requestID])
            return (try RunIdentifier(stored: id).text, false)
        }
    }

    /// Keeps a session that was imported whole.
    ///
    /// - Parameters:
    ///   - request: what the import began with.
    ///   - session: the session's id.
    /// - Throws: `NOT_FOUND` where the session is gone.
    public func endImport(
        of request: CreateSessionRequest, as session: String, requestID: [UInt8] = [], owner: UInt32
    ) async throws(LensError) -> SessionSummary {
        let id = try RunIdentifier(parsing: session).data
        let asked = try AskedChange("import", request.name, request.note, requestID: requestID)
        return try await change(asked, as: owner) { db, owner in
            try db.execute(sql: "DELETE FROM imports WHERE owner = ? AND session = ?", arguments: [owner, id])
            guard db.changesCount > 0 else { throw LensError.importIsGone }
            return MadeChange(subject: id)
        } answer: { made, db, owner in
            try Self.summary(ofMade: made, owner: owner, in: db)
        }
    }

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
            guard let name else { throw LensError.importIsGone }
            _ = try Self.insert(
                encoded, of: imported.run, from: imported, session: SessionName(checking: name), owner: owner, in: db)
        }
    }

    /// Takes back a session whose import did not come to its end.
    public func dropImport(_ session: String, owner: UInt32) async {
        guard let id = try? RunIdentifier(parsing: session).data else { return }
        try? await write(as: owner) { db, owner in
            try db.execute(
                sql: """
                    DELETE FROM sessions WHERE owner = ? AND id = ?
                        AND EXISTS (SELECT 1 FROM imports WHERE owner = sessions.owner AND session = sessions.id)
                    """,
                arguments: [owner, id])
        }
    }

    /// Takes back what was being imported when the daemon ended.
    static func dropImports(in db: Database) throws {
        // A database that was opened as an earlier lensd left it knows of none.
        guard try db.tableExists("imports") else { return }
        try db.execute(sql: "DELETE FROM sessions WHERE (owner, id) IN (SELECT owner, session FROM imports)")
    }
}

extension LensError {
    fileprivate static var importIsGone: LensError { .notFound("the session was deleted while it was imported") }
}
