import GRDB
import LensCore

/// Who sessions belong to: a uid together with the account that has it.
///
/// In the tables an owner is a number: the uid, unless an earlier account left sessions under it. So a statement that
/// is scoped by an owner finds nothing of what another holder of the same uid has.
extension SessionStore {
    /// Runs the body in a transaction that reads what is the user's; it gets the number of the owner that he is.
    func read<Value: Sendable>(
        as userID: UInt32, _ body: @Sendable (Database, _ owner: UInt32) throws -> Value
    ) async throws(LensError) -> Value {
        let account = try await accounts.account(of: userID)
        return try await read { db in try body(db, try Self.owner(of: account, in: db) ?? nobody) }
    }

    /// Runs the body in a transaction that writes for the user, whose owner's number it gets, and returns after COMMIT.
    ///
    /// - Throws: `RESOURCE_EXHAUSTED` where he would have more than his quota afterwards; nothing is written then.
    func write<Value: Sendable>(
        as userID: UInt32, _ body: @Sendable (Database, _ owner: UInt32) throws -> Value
    ) async throws(LensError) -> Value {
        let account = try await accounts.account(of: userID)
        let quota = self.quota
        return try await write { db in
            let owner = try Self.ownerMade(of: account, in: db)
            let before = try Self.amounts(of: owner, in: db)
            let value = try body(db, owner)
            try quota.check(Self.amounts(of: owner, in: db), after: before) {
                try Self.whatToDelete(of: owner, in: db)
            }
            return value
        }
    }

    // MARK: - Finding

    /// The owner that an account is; `nil` where it has nothing yet.
    ///
    /// - Throws: `UNAVAILABLE` where the uid has no account at the moment but had one: a directory that is away for a
    ///   while must not make its users strangers to what is theirs.
    static func owner(of account: Account, in db: Database) throws -> UInt32? {
        try found(account, in: db)?.number
    }

    private static func found(_ account: Account, in db: Database) throws -> (number: UInt32, isNamed: Bool)? {
        // Those from before lensd looked at accounts have none until somebody with their uid comes.
        let search = try db.cachedStatement(
            sql: """
                SELECT number, account IS NOT NULL FROM owners WHERE uid = ? AND (account = ? OR account IS NULL)
                ORDER BY account IS NULL LIMIT 1
                """)
        let found = try Row.fetchOne(search, arguments: [account.userID, account.name])
        if found == nil, account.name.isEmpty, try isKnown(userID: account.userID, in: db) {
            throw LensError.unavailable(
                "uid \(account.userID) has no account at the moment, and sessions of that uid belong to one; "
                    + "try again when the account is back")
        }
        return try found.map { (try $0.decode(atIndex: 0), try $0.decode(atIndex: 1)) }
    }

    /// The owner that an account is, made where there is none.
    static func ownerMade(of account: Account, in db: Database) throws -> UInt32 {
        if let owner = try found(account, in: db) {
            guard !owner.isNamed else { return owner.number }
            try db.execute(
                sql: "UPDATE owners SET account = ? WHERE number = ?", arguments: [account.name, owner.number])
            return owner.number
        }
        let number = try UInt32.fetchOne(
            db,
            sql: """
                SELECT CASE WHEN EXISTS (SELECT 1 FROM owners WHERE number = :uid)
                    THEN (SELECT coalesce(max(number), 3999999999) + 1 FROM owners
                        WHERE number BETWEEN 4000000000 AND 4100000000)
                    ELSE :uid END
                """,
            arguments: ["uid": account.userID])
        guard let number else { throw LensError(.internal, "a new owner got no number") }
        try db.execute(
            sql: "INSERT INTO owners (number, uid, account, first_seen) VALUES (?, ?, ?, ?)",
            arguments: [number, account.userID, account.name, Timestamp.seconds])
        // Sessions are shared under their owner's name, and the uid's former holder has lost his.
        try db.execute(
            sql: "DELETE FROM grants WHERE owner IN (SELECT number FROM owners WHERE uid = ? AND number <> ?)",
            arguments: [account.userID, number])
        return number
    }

    private static func isKnown(userID: UInt32, in db: Database) throws -> Bool {
        try Bool.fetchOne(db, sql: "SELECT EXISTS (SELECT 1 FROM owners WHERE uid = ?)", arguments: [userID]) ?? false
    }

    /// Writes down whose the uids are that an earlier lensd knew by their number only.
    ///
    /// A uid whose account cannot be looked up stays as it is: the next start, or its user's next call, tells.
    static func nameOwners(by accounts: AccountDirectory, in db: Database) throws {
        // A database that was opened as an earlier lensd left it has no owners.
        guard try db.tableExists("owners") else { return }
        for userID in try UInt32.fetchAll(db, sql: "SELECT uid FROM owners WHERE account IS NULL") {
            guard let account = try? accounts.accountWaiting(of: userID) else { continue }
            try db.execute(
                sql: "UPDATE owners SET account = ? WHERE uid = ? AND account IS NULL",
                arguments: [account.name, userID])
        }
    }
}

/// An owner to whom nothing belongs: `(uid_t) -1`, which is no user's.
private let nobody = UInt32.max
