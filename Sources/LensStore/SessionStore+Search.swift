import GRDB
import LensCore

extension SessionStore {
    private static let longestSearch = 200
    private static let mostSessions = 100

    /// Looks through names, notes and excerpts of what the caller may read. ASCII letters count in either case.
    ///
    /// A plain scan by `LIKE`: it finds parts of words in any script, needs no index that every write would have to
    /// keep, and looks only at the caller's rows.
    ///
    /// - Throws: `INVALID_ARGUMENT` for an empty or very long text, `NOT_FOUND` for a run to go on from that there is
    ///   not.
    public func search(
        _ request: SearchSessionsRequest, for caller: UInt32
    ) async throws(LensError) -> SessionFindings {
        let length = request.text.unicodeScalars.count
        guard (1...Self.longestSearch).contains(length), !request.text.unicodeScalars.contains("\0") else {
            throw .invalidArgument(
                "a search is for a text of 1 to \(Self.longestSearch) characters; received \(length) characters")
        }
        let before = try request.before.isEmpty ? nil : RunIdentifier(parsing: request.before)
        let pattern = Self.pattern(containing: request.text)
        return try await read(as: caller) { db, caller in
            let first = try before.map { try Self.number(of: $0, for: caller, in: db) }
            let sessions = first != nil ? [] : try Self.sessions(like: pattern, for: caller, in: db)
            let limit = Self.pageLength(request.limit, default: 100)
            let rows = try Row.fetchCursor(
                db,
                sql: """
                    \(Self.visible) SELECT \(Self.summaryColumns) FROM visible
                    JOIN runs ON runs.owner = visible.owner AND runs.session = visible.id
                    JOIN sessions ON sessions.owner = runs.owner AND sessions.id = runs.session
                    WHERE number < :first
                        AND (excerpt LIKE :pattern ESCAPE '\\' OR runs.note LIKE :pattern ESCAPE '\\')
                    ORDER BY number DESC LIMIT :limit
                    """,
                arguments: ["caller": caller, "pattern": pattern, "first": first ?? .max, "limit": limit + 1])
            let (runs, hasMore) = try Self.page(rows, limit: limit)
            return SessionFindings(sessions: sessions, runs: runs, hasMore: hasMore)
        }
    }

    private static func sessions(like pattern: String, for caller: UInt32, in db: Database) throws -> [SessionSummary] {
        try Row.fetchAll(
            db,
            sql: """
                \(visible) SELECT \(sessionColumns(noteLength: NoteText.shownLength)) FROM visible
                JOIN sessions ON sessions.owner = visible.owner AND sessions.id = visible.id
                WHERE sessions.name LIKE :pattern ESCAPE '\\' OR sessions.note LIKE :pattern ESCAPE '\\'
                ORDER BY sessions.owner <> :caller, updated DESC, name LIMIT \(mostSessions)
                """,
            arguments: ["caller": caller, "pattern": pattern]
        ).map { try sessionSummary($0, for: caller) }
    }

    private static func number(of run: RunIdentifier, for caller: UInt32, in db: Database) throws -> Int64 {
        let number = try Int64.fetchOne(
            db,
            sql: """
                \(visible) SELECT number FROM visible
                JOIN runs ON runs.owner = visible.owner AND runs.session = visible.id WHERE runs.id = :run
                """,
            arguments: ["caller": caller, "run": run.data])
        guard let number else { throw LensError.notFound("no run '\(run.text)' among your runs") }
        return number
    }

    /// The text anywhere, none of its characters a wildcard.
    private static func pattern(containing text: String) -> String {
        var pattern = "%"
        for character in text.unicodeScalars {
            if "%_\\".unicodeScalars.contains(character) { pattern.unicodeScalars.append("\\") }
            pattern.unicodeScalars.append(character)
        }
        return pattern + "%"
    }
}
