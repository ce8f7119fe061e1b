import GRDB
import LensCore

extension SessionStore {
    /// What is to become of a run that may be deleted.
    enum Fate {
        case delete
        case keep
        /// This one and all newer ones are kept.
        case stop
    }

    /// A run as those who may delete it look at it.
    struct OldRun {
        var number: Int64
        var bytes: Int
        /// When it came here, seconds since 1970.
        var storedAt: Double
        /// Somebody wrote a note on it, or others may read it.
        var isKept: Bool
    }

    /// How far a deletion came.
    struct OldestRuns {
        var count = 0
        var bytes = 0
        /// The last run that was looked at.
        var last: Int64
        /// No run is left to be looked at.
        var isAll = false
    }

    /// Deletes some of an owner's runs, oldest first: so few that other calls hardly wait for the transaction, and that
    /// it fits into the log's file once more when the disk is full.
    ///
    /// - Parameter number: runs up to this one are passed over.
    static func deleteOldestRuns(
        of owner: UInt32, after number: Int64 = 0, in db: Database, fate: (OldRun) throws -> Fate
    ) throws -> OldestRuns {
        var result = OldestRuns(last: number)
        var doomed: [Int64] = []
        var seen = 0
        let rows = try Row.fetchCursor(
            db,
            sql: """
                SELECT number, bytes, coalesce(imported, created) AS stored, note <> '' OR EXISTS (
                    SELECT 1 FROM grants WHERE grants.owner = runs.owner AND grants.session = runs.session) AS kept
                FROM runs JOIN run_sizes USING (number) WHERE runs.owner = ? AND number > ? ORDER BY number
                """,
            arguments: [owner, number])
        scan: do {
            while let row = try rows.next() {
                let run = OldRun(
                    number: try row.decode(forColumn: "number"), bytes: try row.decode(forColumn: "bytes"),
                    storedAt: try row.decode(forColumn: "stored"), isKept: try row.decode(forColumn: "kept"))
                switch try fate(run) {
                case .keep: break
                case .stop:
                    result.isAll = true
                    break scan
                case .delete:
                    doomed.append(run.number)
                    result.bytes += run.bytes
                }
                result.last = run.number
                seen += 1
                if doomed.count >= 64 || result.bytes >= 1 << 20 || seen >= 1024 { break scan }
            }
            result.isAll = true
        }
        let deletion = try db.cachedStatement(sql: "DELETE FROM runs WHERE number = ?")
        for number in doomed { try deletion.execute(arguments: [number]) }
        result.count = doomed.count
        return result
    }

    /// Waits twice as long as a step of work that nobody waits for has taken: the disk is everybody's.
    static func leaveRoom(after start: ContinuousClock.Instant) async {
        try? await Task.sleep(for: start.duration(to: .now) * 2)
    }

    /// Gives free pages back to the file system, a few at a time.
    ///
    /// - Parameter bytes: so much stays for what comes next.
    func shrink(keeping bytes: Int) async throws(LensError) {
        // Pages of one step: some milliseconds.
        let step = 128
        var isDone = false
        while !isDone {
            let start = ContinuousClock.now
            isDone = try await write { db in
                let pageSize = try Int.fetchOne(db, sql: "PRAGMA page_size") ?? 4096
                let free = try Int.fetchOne(db, sql: "PRAGMA freelist_count") ?? 0
                let excess = free - bytes / pageSize
                guard excess > 0, try Int.fetchOne(db, sql: "PRAGMA auto_vacuum") == 2 else { return true }
                try db.execute(sql: "PRAGMA incremental_vacuum(\(min(step, excess)))")
                let left = try Int.fetchOne(db, sql: "PRAGMA freelist_count") ?? 0
                return excess <= step || left >= free
            }
            await Self.leaveRoom(after: start)
        }
        try await checkpoint()
    }
}
