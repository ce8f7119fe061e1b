/// What one account has in the store of sessions.
public struct StoredAccount: Sendable, Hashable {
    public var userID: UInt32
    /// Empty where the uid had no account.
    public var name: String
    /// Whether the uid is still that account's.
    public var isPresent: Bool
    public var sessionCount: Int
    public var runCount: Int
    public var storedBytes: Int
    /// Seconds since 1970; of the last use 0 where there is no session.
    public var firstSeenAt: Double
    public var lastUsedAt: Double

    public init(
        userID: UInt32, name: String, isPresent: Bool, sessionCount: Int, runCount: Int, storedBytes: Int,
        firstSeenAt: Double, lastUsedAt: Double
    ) {
        self.userID = userID
        self.name = name
        self.isPresent = isPresent
        self.sessionCount = sessionCount
        self.runCount = runCount
        self.storedBytes = storedBytes
        self.firstSeenAt = firstSeenAt
        self.lastUsedAt = lastUsedAt
    }
}

/// What all accounts have, those with most first.
public struct StoreUsage: Sendable, Hashable {
    public var accounts: [StoredAccount]
    /// How many there are; more than are listed where there are very many.
    public var accountCount: Int
    /// What each user may have: `sessions` and `storedBytes`.
    public var quota: SharedAmounts
    public var retention: Retention
    /// Bytes of the database file, and of it those that are free.
    public var fileBytes: Int
    public var freeBytes: Int

    public init(
        accounts: [StoredAccount], accountCount: Int, quota: SharedAmounts, retention: Retention, fileBytes: Int,
        freeBytes: Int
    ) {
        self.accounts = accounts
        self.accountCount = accountCount
        self.quota = quota
        self.retention = retention
        self.fileBytes = fileBytes
        self.freeBytes = freeBytes
    }
}

/// One of the accounts that a uid has or had.
public enum AccountChoice: Sendable, Hashable {
    /// The only one that has sessions.
    case only
    /// By name; empty is none.
    case named(String)
    case every
}

/// Deletes everything that a uid has in the store.
public struct PurgeRequest: Sendable, Hashable {
    public var userID: UInt32
    public var account: AccountChoice

    public init(userID: UInt32, account: AccountChoice = .only) {
        self.userID = userID
        self.account = account
    }
}

/// What a purge deleted.
public struct PurgeReply: Sendable, Hashable {
    public var sessionCount: Int
    public var runCount: Int

    public init(sessionCount: Int, runCount: Int) {
        self.sessionCount = sessionCount
        self.runCount = runCount
    }
}

/// Gives what an account left to whoever has a uid now.
public struct ReassignRequest: Sendable, Hashable {
    public var userID: UInt32
    /// Of that uid; not `every`.
    public var account: AccountChoice
    public var newUserID: UInt32

    public init(userID: UInt32, account: AccountChoice = .only, newUserID: UInt32) {
        self.userID = userID
        self.account = account
        self.newUserID = newUserID
    }
}

/// What looking through the whole store found.
public struct StoreCheck: Sendable, Hashable {
    /// What is wrong, the first things of many; empty for a sound store.
    public var complaints: [String]
    public var runCount: Int
    /// Of the database file.
    public var bytes: Int

    public init(complaints: [String], runCount: Int, bytes: Int) {
        self.complaints = complaints
        self.runCount = runCount
        self.bytes = bytes
    }
}

/// A piece of a backup: its size, then its bytes in order.
public enum BackupEvent: Sendable, Hashable {
    case size(Int)
    case bytes([UInt8])
}
