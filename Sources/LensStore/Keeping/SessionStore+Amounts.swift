import GRDB
public import LensCore

extension SessionStore {
    /// What a user has in the store: `sessions` and `storedBytes`, everything else 0. Counted exactly, and kept as
    /// sums, so that asking costs nothing.
    public func amounts(of userID: UInt32) async throws(LensError) -> SharedAmounts {
        try await read(as: userID) { db, owner in try Self.amounts(of: owner, in: db) }
    }

    /// The same of every user who has anything, by uid; what former accounts of a uid left counts with it.
    public func amounts() async throws(LensError) -> [UInt32: SharedAmounts] {
        try await read { db in
            let rows = try Row.fetchAll(
                db, sql: "SELECT uid, sum(session_count), sum(stored_bytes) FROM owners GROUP BY uid")
            var amounts: [UInt32: SharedAmounts] = [:]
            for row in rows {
                amounts[try row.decode(atIndex: 0)] = SharedAmounts(
                    sessions: try row.decode(atIndex: 1), storedBytes: try row.decode(atIndex: 2))
            }
            return amounts
        }
    }

    /// Sets how much every user may have: `sessions` and `storedBytes`. It holds from the next write on.
    public func set(quota: SharedAmounts) {
        limits.withLock { $0.quota = StoreQuota(quota) }
    }

    var quota: StoreQuota { limits.withLock(\.quota) }

    /// Looks whether there is room for a run in a session, so that nobody computes for minutes what cannot be kept.
    ///
    /// - Throws: `RESOURCE_EXHAUSTED`.
    static func checkRoom(
        inSession name: SessionName, of owner: UInt32, _ quota: StoreQuota, in db: Database
    ) throws {
        let before = try amounts(of: owner, in: db)
        guard before.sessions >= quota.sessions || before.storedBytes >= quota.stored else { return }
        let exists = try Bool.fetchOne(
            db, sql: "SELECT EXISTS (SELECT 1 FROM sessions WHERE owner = ? AND name = ?)",
            arguments: [owner, name.text])
        var after = before
        after.sessions += exists == true ? 0 : 1
        after.storedBytes += 1
        try quota.check(after, after: before) { try whatToDelete(of: owner, in: db) }
    }

    static func amounts(of owner: UInt32, in db: Database) throws -> SharedAmounts {
        let sums = try db.cachedStatement(sql: "SELECT session_count, stored_bytes FROM owners WHERE number = ?")
        guard let row = try Row.fetchOne(sums, arguments: [owner]) else { return SharedAmounts() }
        return SharedAmounts(
            sessions: try row.decode(forColumn: "session_count"),
            storedBytes: try row.decode(forColumn: "stored_bytes"))
    }

    static func whatToDelete(of owner: UInt32, in db: Database) throws -> DeletionHint? {
        func first(_ order: String) throws -> (name: String, bytes: Int)? {
            try Row.fetchOne(
                db, sql: "SELECT name, stored_bytes FROM sessions WHERE owner = ? ORDER BY \(order) LIMIT 1",
                arguments: [owner]
            ).map { (try $0.decode(forColumn: "name"), try $0.decode(forColumn: "stored_bytes")) }
        }
        guard let oldest = try first("updated"), let largest = try first("stored_bytes DESC") else { return nil }
        return DeletionHint(
            oldest: "\(oldest.name.quotedForMessage), which was not used for longest",
            largest: "\(largest.name.quotedForMessage), which has \(largest.bytes) bytes")
    }
}
