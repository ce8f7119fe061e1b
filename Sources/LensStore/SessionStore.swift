import FoundationEssentials
import GRDB
import LensCore
import Synchronization

/// Sessions and runs of every user, in one SQLite database of the state folder.
///
/// One connection on a serial queue of its own does everything, so no caller's thread ever waits for the disk. A call
/// that writes returns only after COMMIT did: what was acknowledged survives `kill -9`. Every statement is scoped by
/// its ``Owner``; what belongs to somebody else is answered exactly as what does not exist.
public final class SessionStore: Sendable {
    /// What whoever starts the daemon must hear of: a damaged database set aside, a migration.
    public let notices: [String]
    /// Of the database.
    let path: String
    private let queue: DatabaseQueue
    /// Kept so that the folder stays locked as long as the database is open.
    private let folder: StateFolder
    let accounts: AccountDirectory
    let limits = Mutex(Limits())

    /// What an administrator may change at any time, and what he is doing.
    struct Limits: Sendable {
        var quota = StoreQuota(.ordinaryQuota)
        var retention = Retention()
        /// A copy of the database is being made.
        var isCopying = false
    }

    /// Opens the database of a locked folder; makes it where there is none, migrates an older one.
    ///
    /// - Parameter maximumBytes: how large the database may grow; `nil` leaves the limit to the disk.
    /// - Throws: status 65 for a database of a newer lensd or a foreign one, which stay untouched; 1 otherwise.
    public convenience init(in folder: StateFolder, maximumBytes: Int? = nil) throws(StartupError) {
        try self.init(
            in: folder, maximumBytes: maximumBytes, migrations: SchemaMigration.all, accounts: AccountDirectory())
    }

    package init(
        in folder: StateFolder, maximumBytes: Int?, migrations: [SchemaMigration], accounts: AccountDirectory
    ) throws(StartupError) {
        path = DatabaseFile.path(in: folder)
        var file = DatabaseFile(path: path, migrations: migrations)
        queue = try file.open(maximumBytes: maximumBytes)
        self.accounts = accounts
        do {
            try queue.write { db in try Self.nameOwners(by: accounts, in: db) }
        } catch {
            throw StartupError(.failure, "cannot write to the session database: \(LensError(storing: error).message)")
        }
        // Where the disk is full they stay until the next start.
        try? queue.write { db in try Self.dropImports(in: db) }
        notices = file.notices
        self.folder = folder
    }

    /// Waits for what is under way and closes the database; calls that come later fail.
    public func close() throws(LensError) {
        do { try queue.close() } catch { throw LensError(storing: error) }
    }

    /// The version of the SQLite library in use, such as `3.40.1`.
    public static var sqliteVersion: String {
        let number = Int(Database.sqliteLibVersionNumber)
        return "\(number / 1_000_000).\(number / 1_000 % 1_000).\(number % 1_000)"
    }

    /// Runs the body in a transaction that may write and returns after its COMMIT.
    func write<Value: Sendable>(_ body: @Sendable (Database) throws -> Value) async throws(LensError) -> Value {
        try await transaction(.immediate, body)
    }

    /// Runs the body in a transaction that only reads.
    func read<Value: Sendable>(_ body: @Sendable (Database) throws -> Value) async throws(LensError) -> Value {
        try await transaction(.deferred, body)
    }

    /// Brings everything from the log into the database and empties the log.
    func checkpoint() async throws(LensError) {
        do {
            try await queue.writeWithoutTransaction { db in
                guard db.sqliteConnection != nil else { throw LensError(.unavailable, "the session store is closed") }
                try db.execute(sql: "PRAGMA wal_checkpoint(TRUNCATE)")
            }
        } catch {
            throw LensError(storing: error)
        }
    }

    private func transaction<Value: Sendable>(
        _ kind: Database.TransactionKind, _ body: @Sendable (Database) throws -> Value
    ) async throws(LensError) -> Value {
        do {
            return try await queue.writeWithoutTransaction { db in
                // GRDB hands a closed connection to SQLite, which does not survive it.
                guard db.sqliteConnection != nil else { throw LensError(.unavailable, "the session store is closed") }
                var value: Value?
                try db.inTransaction(kind) {
                    value = try body(db)
                    return .commit
                }
                guard let value else { throw LensError(.internal, "a transaction ended without a value") }
                return value
            }
        } catch {
            throw LensError(storing: error)
        }
    }
}
