import GRDB
import Glibc
public import LensCore

extension SessionStore {
    /// Copies the store as it is at this moment, while other calls go on.
    ///
    /// The copy is packed: what was deleted is not in it. It takes as much room in the state folder as the store does,
    /// until the snapshot goes.
    ///
    /// - Throws: `RESOURCE_EXHAUSTED` where there is no room; `ABORTED` while another copy is made; `DATA_LOSS` for a
    ///   store that cannot be read.
    public func snapshot() async throws(LensError) -> StoreSnapshot {
        let isAlone = limits.withLock { limits in
            defer { limits.isCopying = true }
            return !limits.isCopying
        }
        guard isAlone else { throw LensError(.aborted, "another copy of the store is being made; try again") }
        defer { limits.withLock { $0.isCopying = false } }
        let copy = Self.copyPath(path)
        unlink(copy)
        do throws(LensError) {
            try await beside { db in try db.execute(sql: "VACUUM INTO ?", arguments: [copy]) }
        } catch {
            unlink(copy)
            throw error
        }
        return try StoreSnapshot(taking: copy)
    }

    /// Looks through the whole store, while other calls go on: every page, every reference, every sum.
    ///
    /// - Throws: `DATA_LOSS` where the database is too damaged to be looked through.
    public func check() async throws(LensError) -> StoreCheck {
        try await beside { db in
            var check = StoreCheck(complaints: [], runCount: 0, bytes: 0)
            try db.inTransaction(.deferred) {
                let complaints = try String.fetchAll(db, sql: "PRAGMA integrity_check(20)")
                check.complaints = complaints == ["ok"] ? [] : complaints
                let orphans = try Row.fetchAll(
                    db, sql: "SELECT \"table\", count(*) FROM pragma_foreign_key_check GROUP BY 1")
                for row in orphans {
                    let table: String = try row.decode(atIndex: 0)
                    let count: Int = try row.decode(atIndex: 1)
                    check.complaints.append("\(count) rows of \(table) refer to what is not there")
                }
                check.complaints += try Int.fetchAll(db, sql: Self.wrongSums).map {
                    "the sums of owner \($0) are not those of his runs"
                }
                check.runCount = try Int.fetchOne(db, sql: "SELECT count(*) FROM runs") ?? 0
                let pageSize = try Int.fetchOne(db, sql: "PRAGMA page_size") ?? 0
                check.bytes = pageSize * (try Int.fetchOne(db, sql: "PRAGMA page_count") ?? 0)
                return .commit
            }
            return check
        }
    }

    private static let wrongSums = """
        SELECT number FROM owners
        LEFT JOIN (SELECT owner, count(*) AS runs, sum(bytes) AS bytes FROM run_sizes GROUP BY owner) AS found
            ON found.owner = number
        WHERE run_count <> coalesce(runs, 0) OR stored_bytes <> coalesce(found.bytes, 0)
            OR session_count <> (SELECT count(*) FROM sessions WHERE sessions.owner = number)
        LIMIT 20
        """

    /// Where a copy stands while it is made; what an end in the middle left goes at the next start.
    static func copyPath(_ database: String) -> String { database + ".copying" }

    /// Runs the body on a connection of its own that only reads, so that it holds nobody up however long it takes.
    ///
    /// The writing connection stays the only one that writes and moves the log: see the trouble that SQLite before
    /// 3.51.3 has with two of those.
    private func beside<Value: Sendable>(
        _ body: @Sendable (Database) throws -> Value
    ) async throws(LensError) -> Value {
        do {
            let queue = try DatabaseQueue(path: path, configuration: DatabaseFile.configuration(readonly: true))
            defer { try? queue.close() }
            return try await queue.writeWithoutTransaction(body)
        } catch {
            throw LensError(storing: error)
        }
    }
}
