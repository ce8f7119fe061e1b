import GRDB
public import LensCore

extension SessionStore {
    private static let listedAccounts = 1000

    /// What every account has, and how large the database is.
    ///
    /// - Throws: `UNAVAILABLE` where the system cannot tell whose a uid is now.
    public func usage() async throws(LensError) -> StoreUsage {
        let limits = limits.withLock { $0 }
        var usage = try await read { db in
            let rows = try Row.fetchAll(
                db, sql: "\(Self.accountQuery) ORDER BY stored_bytes DESC, uid LIMIT \(Self.listedAccounts)")
            let count = try Int.fetchOne(db, sql: "SELECT count(*) FROM owners") ?? 0
            let pageSize = try Int.fetchOne(db, sql: "PRAGMA page_size") ?? 0
            return StoreUsage(
                accounts: try rows.map(Self.account), accountCount: count,
                quota: SharedAmounts(sessions: limits.quota.sessions, storedBytes: limits.quota.stored),
                retention: limits.retention,
                fileBytes: pageSize * (try Int.fetchOne(db, sql: "PRAGMA page_count") ?? 0),
                freeBytes: pageSize * (try Int.fetchOne(db, sql: "PRAGMA freelist_count") ?? 0))
        }
        for index in usage.accounts.indices {
            let account = usage.accounts[index]
            usage.accounts[index].isPresent = try await accounts.account(of: account.userID).name == account.name
        }
        return usage
    }

    private static let accountQuery = """
        SELECT owners.*, (SELECT max(updated) FROM sessions WHERE owner = owners.number) AS last_used FROM owners
        """

    /// What one owner has; whether he is present is for others to say.
    static func account(numbered number: UInt32, in db: Database) throws -> StoredAccount? {
        try Row.fetchOne(db, sql: "\(accountQuery) WHERE number = ?", arguments: [number]).map(account)
    }

    private static func account(_ row: Row) throws -> StoredAccount {
        StoredAccount(
            userID: try row.decode(forColumn: "uid"),
            name: try row.decode(String?.self, forColumn: "account") ?? "", isPresent: true,
            sessionCount: try row.decode(forColumn: "session_count"), runCount: try row.decode(forColumn: "run_count"),
            storedBytes: try row.decode(forColumn: "stored_bytes"),
            firstSeenAt: try row.decode(forColumn: "first_seen"),
            lastUsedAt: try row.decode(Double?.self, forColumn: "last_used") ?? 0)
    }
}
