import GRDB
import Glibc
import LensCore

/// Opens the database with every check that comes before the first write.
///
/// What stands there is looked at through a read-only connection first, so that a database that is refused is left
/// as it was, byte for byte.
struct DatabaseFile {
    /// "LENS" in the file's header tells our databases from other people's.
    static let applicationID: Int32 = 0x4C45_4E53

    let path: String
    let migrations: [SchemaMigration]
    /// What whoever starts the daemon must hear of.
    var notices: [String] = []

    /// Where a state folder has its database.
    static func path(in folder: StateFolder) -> String { folder.path + "/lensd.sqlite" }

    init(path: String, migrations: [SchemaMigration]) {
        self.path = path
        self.migrations = migrations
    }

    mutating func open(maximumBytes: Int?) throws(StartupError) -> DatabaseQueue {
        removeLeftovers()
        var needsMigration = false
        switch try condition() {
        case .missing: break
        case .empty:
            notices.append("the session database \(path) was empty (0 bytes); it starts anew")
        case .current: break
        case .older: needsMigration = true
        case .damaged(let reason): try setAside(because: reason)
        case .newer(let identifiers):
            throw StartupError(
                .badInput,
                "the session database \(path) was made by a newer lensd: this one (\(lensdVersion)) does not know its "
                    + "schema '\(identifiers.joined(separator: "', '"))'. Nothing was changed; run the newer "
                    + "lensd, give another --state, or go back with 'lensd --restore' and a copy from before")
        case .foreign(let reason):
            throw StartupError(
                .badInput,
                "\(path) is not a session database of lensd (\(reason)). Nothing was changed; give another --state")
        }
        do {
            try makePrivateFile()
            let queue = try DatabaseQueue(path: path, configuration: Self.configuration(readonly: false))
            try queue.writeWithoutTransaction { db in
                try Self.setUp(db, maximumBytes: maximumBytes)
                try Self.claim(db)
            }
            if needsMigration { try keepCopy(of: queue) }
            try SchemaMigration.migrator(migrations).migrate(queue)
            makeShrinkable(queue)
            return queue
        } catch let error as StartupError {
            throw error
        } catch {
            throw StartupError(
                .failure, "cannot open the session database \(path): \(LensError(storing: error).message)")
        }
    }

    // MARK: - Looking

    enum Condition {
        case missing, empty, current, older
        case damaged(String)
        case newer([String])
        case foreign(String)
    }

    func condition() throws(StartupError) -> Condition {
        guard let size = Self.size(of: path), size > 0 else {
            // SQLite would delete a log that has no database, and with it every run that stands only there.
            if let log = Self.size(of: path + "-wal"), log > 0 {
                return .damaged("its write-ahead log has \(log) bytes, but the database itself is empty or missing")
            }
            return Self.size(of: path) == nil ? .missing : .empty
        }
        do {
            return try inspect()
        } catch let error as DatabaseError
            where error.resultCode == .SQLITE_READONLY || error.resultCode == .SQLITE_CANTOPEN
        {
            // A crash in the very first transaction leaves a rollback journal; only a writing connection plays it back.
            return try recoverAndInspect()
        } catch {
            return try condition(after: error)
        }
    }

    private func recoverAndInspect() throws(StartupError) -> Condition {
        do {
            let queue = try DatabaseQueue(path: path, configuration: Self.configuration(readonly: false))
            try queue.unsafeRead { db in _ = try Int.fetchOne(db, sql: "SELECT count(*) FROM sqlite_master") }
            try queue.close()
            return Self.size(of: path) == 0 ? .empty : try inspect()
        } catch {
            return try condition(after: error)
        }
    }

    private func condition(after error: any Error) throws(StartupError) -> Condition {
        if let error = error as? DatabaseError, LensError(storing: error).code == .dataLoss {
            return .damaged(error.message ?? "unreadable")
        }
        throw StartupError(.failure, "cannot read the session database \(path): \(LensError(storing: error).message)")
    }

    private func inspect() throws -> Condition {
        let queue = try DatabaseQueue(path: path, configuration: Self.configuration(readonly: true))
        defer { try? queue.close() }
        return try queue.unsafeRead { db in
            if let complaint = try String.fetchOne(db, sql: "PRAGMA quick_check(1)"), complaint != "ok" {
                return .damaged(complaint)
            }
            let application = try Int32.fetchOne(db, sql: "PRAGMA application_id") ?? 0
            guard application == Self.applicationID else {
                let hasTables = try Int.fetchOne(db, sql: "SELECT count(*) FROM sqlite_master") ?? 0
                return hasTables == 0
                    ? .current : .foreign("application id \(application), expected \(Self.applicationID)")
            }
            let migrator = SchemaMigration.migrator(migrations)
            let unknown = try migrator.appliedIdentifiers(db).subtracting(migrator.migrations)
            if !unknown.isEmpty { return .newer(unknown.sorted()) }
            // One that was never filled, since its first start was cut short, has nothing to keep a copy of.
            let isComplete = try migrator.hasCompletedMigrations(db) || migrator.appliedMigrations(db).isEmpty
            return isComplete ? .current : .older
        }
    }

    // MARK: - Opening

    static func configuration(readonly: Bool) -> Configuration {
        var configuration = Configuration()
        configuration.label = "lensd.store"
        configuration.readonly = readonly
        configuration.foreignKeysEnabled = true
        // Only a person with an SQLite shell can hold the database beside us.
        configuration.busyMode = .timeout(2)
        configuration.prepareDatabase { db in try db.execute(sql: "PRAGMA trusted_schema = OFF") }
        return configuration
    }

    /// Claims an empty database, before there is a first table: a crash between the two must not leave a stranger's.
    private static func claim(_ db: Database) throws {
        guard try Int.fetchOne(db, sql: "SELECT count(*) FROM sqlite_master") == 0 else { return }
        try db.execute(sql: "PRAGMA application_id = \(applicationID)")
    }

    /// Sets what a connection does not keep by itself and reads it back: a setting that did not take is no setting.
    ///
    /// Free pages can be given back to the file system, which a new file has to be told before it has a page. What is
    /// deleted is overwritten where that writes nothing more: deleting is what helps when the disk is full.
    private static func setUp(_ db: Database, maximumBytes: Int?) throws {
        try db.execute(
            sql: """
                PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
                PRAGMA secure_delete = FAST
                """)
        if let maximumBytes {
            let pageSize = try Int.fetchOne(db, sql: "PRAGMA page_size") ?? 4096
            try db.execute(sql: "PRAGMA max_page_count = \(max(1, maximumBytes / pageSize))")
        }
        let expected = [("journal_mode", "wal"), ("synchronous", "2"), ("foreign_keys", "1"), ("trusted_schema", "0")]
        for (pragma, value) in expected {
            let found = try Row.fetchOne(db, sql: "PRAGMA \(pragma)").map { "\($0[0] as DatabaseValue)" } ?? "nothing"
            guard found == value || found == "\"\(value)\"" else {
                throw StartupError(
                    .failure, "the session database needs \(pragma) = \(value), but SQLite answers \(found)")
            }
        }
    }

    /// Writes a database anew that an earlier lensd made without the means to shrink. It can do without.
    private mutating func makeShrinkable(_ queue: DatabaseQueue) {
        do {
            try queue.writeWithoutTransaction { db in
                guard try Int.fetchOne(db, sql: "PRAGMA auto_vacuum") != 2 else { return }
                try db.execute(sql: "PRAGMA auto_vacuum = INCREMENTAL; VACUUM")
            }
        } catch {
            notices.append(
                "the session database \(path) will not shrink when runs are deleted: "
                    + LensError(storing: error).message)
        }
    }

    /// SQLite gives its log the rights of the database, so both are private from the start.
    private func makePrivateFile() throws(StartupError) {
        let descriptor = Glibc.open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else {
            throw StartupError(
                .failure, "cannot make the session database \(path): \(String(cString: strerror(errno)))")
        }
        close(descriptor)
    }

    // MARK: - Keeping what was there

    /// A whole copy, on the disk before the first migration changes anything.
    private mutating func keepCopy(of queue: DatabaseQueue) throws {
        let copy = freePath("\(path).before-migration-\(Timestamp.now())")
        let partial = copy + ".partial"
        unlink(partial)
        do {
            try queue.writeWithoutTransaction { db in try db.execute(sql: "VACUUM INTO ?", arguments: [partial]) }
        } catch {
            // A disk that is too full for it should not stay so.
            unlink(partial)
            throw error
        }
        // VACUUM INTO leaves its output to the page cache.
        try Self.synchronize(partial)
        guard rename(partial, copy) == 0 else {
            throw StartupError(.failure, "cannot name the copy \(copy): \(String(cString: strerror(errno)))")
        }
        notices.append("the session database was migrated; a copy of the old one is \(copy)")
    }

    mutating func setAside(because reason: String) throws(StartupError) {
        let aside = freePath("\(path).damaged-\(Timestamp.now())")
        for suffix in ["-journal", "-wal", "-shm", ""] {
            guard rename(path + suffix, aside + suffix) == 0 || errno == ENOENT else {
                throw StartupError(
                    .failure,
                    "the session database \(path) is damaged (\(reason)) and cannot be set aside: "
                        + String(cString: strerror(errno))
                )
            }
        }
        notices.append(
            "the session database \(path) is damaged (\(reason)); it was set aside as \(aside) and a new one begins: "
                + "sessions and runs in it cannot be found until it is repaired")
    }

    func freePath(_ wanted: String) -> String {
        var candidate = wanted
        var count = 1
        while Self.size(of: candidate) != nil || Self.size(of: candidate + "-wal") != nil {
            count += 1
            candidate = "\(wanted)-\(count)"
        }
        return candidate
    }

    static func synchronize(_ path: String) throws(StartupError) {
        let descriptor = Glibc.open(path, O_RDONLY | O_CLOEXEC)
        defer { close(descriptor) }
        guard descriptor >= 0, fsync(descriptor) == 0 else {
            throw StartupError(.failure, "cannot write \(path) to the disk: \(String(cString: strerror(errno)))")
        }
    }

    /// In bytes; `nil` where there is no such file.
    static func size(of path: String) -> Int? {
        var status = stat()
        return lstat(path, &status) == 0 ? Int(status.st_size) : nil
    }
}
