import GRDB
import Glibc
import LensCore

extension SessionStore {
    /// Puts a backup, or a copy made before a migration, in the place of a locked folder's database. What was there is
    /// set aside beside it.
    ///
    /// - Returns: what whoever asked for it must hear.
    /// - Throws: status 65 for a file that is no sound database of lensd's or is a newer one's; nothing is changed then.
    public static func restore(_ source: String, in folder: StateFolder) throws(StartupError) -> [String] {
        var file = DatabaseFile(path: DatabaseFile.path(in: folder), migrations: SchemaMigration.all)
        try file.replace(by: source)
        return file.notices
    }
}

extension DatabaseFile {
    /// Where a database stands until it is in its place; what an end in the middle left goes at the next start.
    private static func restoringPath(_ database: String) -> String { database + ".restoring" }

    /// Takes away what a copy or a restore that was cut short left.
    func removeLeftovers() {
        for leftover in [SessionStore.copyPath(path), Self.restoringPath(path)] {
            for suffix in ["-journal", "-wal", "-shm", ""] { unlink(leftover + suffix) }
        }
    }

    /// Sets the file aside and puts a copy of another database in its place. The last step is one `rename`: whenever it
    /// ends, there is the old database or the new one.
    fileprivate mutating func replace(by source: String) throws(StartupError) {
        removeLeftovers()
        let copy = Self.restoringPath(path)
        do throws(StartupError) {
            try Self.copy(source, to: copy)
            try Self.copy(source + "-wal", to: copy + "-wal", isOptional: true)
            try check(copy, source)
            try Self.synchronize(copy)
            let aside = try setPresentAside()
            guard rename(copy, path) == 0 else { throw Self.failure("cannot put the database into its place") }
            try Self.synchronize(Self.folder(of: path))
            notices.append(
                "\(path) is now \(source)" + (aside.map { "; what was there is \($0)" } ?? ""))
        } catch {
            removeLeftovers()
            throw error
        }
    }

    /// Holds the copy against everything that a start asks for and more, and brings its log into it.
    private func check(_ copy: String, _ source: String) throws(StartupError) {
        let file = DatabaseFile(path: copy, migrations: migrations)
        func refusal(_ reason: String) -> StartupError {
            StartupError(.badInput, "\(source) \(reason). Nothing was changed")
        }
        switch try file.condition() {
        case .current, .older: break
        case .missing, .empty: throw refusal("is empty, and no database")
        case .damaged(let reason): throw refusal("is damaged (\(reason))")
        case .newer(let identifiers):
            throw refusal(
                "was made by a newer lensd: this one (\(lensdVersion)) does not know its schema "
                    + "'\(identifiers.joined(separator: "', '"))'")
        case .foreign(let reason): throw refusal("is not a session database of lensd (\(reason))")
        }
        do {
            let complaint = try Self.withoutLog(copy) { (db) -> String? in
                // One that lensd never filled has no tables of its own either.
                guard try Int32.fetchOne(db, sql: "PRAGMA application_id") == Self.applicationID else {
                    return "is not a session database of lensd"
                }
                let complaint = try String.fetchOne(db, sql: "PRAGMA integrity_check(1)")
                return complaint == "ok" ? nil : "is damaged (\(complaint ?? "unreadable"))"
            }
            if let complaint { throw refusal(complaint) }
        } catch let error as StartupError {
            throw error
        } catch {
            throw refusal("cannot be read: \(LensError(storing: error).message)")
        }
    }

    /// - Returns: the name that the present database has beside its own now; `nil` where there is none.
    private mutating func setPresentAside() throws(StartupError) -> String? {
        do {
            guard Self.size(of: path) != nil else { return nil }
            // Its log, if any, belongs to it and must not meet another database.
            try Self.withoutLog(path) { _ in }
        } catch {
            guard LensError(storing: error).code == .dataLoss else {
                throw StartupError(
                    .failure, "cannot close the present database \(path): \(LensError(storing: error).message)")
            }
            try setAside(because: "a restore found it so")
            return nil
        }
        if let log = Self.size(of: path + "-wal"), log > 0 {
            throw StartupError(.failure, "the present database \(path) is held by another program")
        }
        let aside = freePath("\(path).before-restore-\(Timestamp.now())")
        // Some file systems have no second names.
        guard link(path, aside) == 0 || rename(path, aside) == 0 else { throw Self.failure("cannot name \(aside)") }
        return aside
    }

    /// Opens a database for writing, brings its log into it, lends it, and closes it, which removes the log.
    private static func withoutLog<Value>(_ path: String, _ body: (Database) throws -> Value) throws -> Value {
        let queue = try DatabaseQueue(path: path, configuration: configuration(readonly: false))
        do {
            let value = try queue.writeWithoutTransaction { db in
                _ = try Row.fetchAll(db, sql: "PRAGMA wal_checkpoint(TRUNCATE)")
                return try body(db)
            }
            try queue.close()
            return value
        } catch {
            try? queue.close()
            throw error
        }
    }

    /// Copies a regular file, with the rights of the state folder's other files.
    private static func copy(_ source: String, to target: String, isOptional: Bool = false) throws(StartupError) {
        // Not blocking, since opening a FIFO would otherwise wait for its other end.
        let input = Glibc.open(source, O_RDONLY | O_NONBLOCK | O_CLOEXEC)
        if input < 0, isOptional, errno == ENOENT { return }
        guard input >= 0 else { throw failure("cannot open \(source)", errno == ENOENT ? .badInput : .failure) }
        defer { close(input) }
        var status = stat()
        guard fstat(input, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            throw StartupError(.badInput, "\(source) must be a regular file")
        }
        let output = Glibc.open(target, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard output >= 0 else { throw failure("cannot make \(target)") }
        defer { close(output) }
        var piece = [UInt8](repeating: 0, count: 1 << 20)
        while true {
            let count = read(input, &piece, piece.count)
            if count == 0 { return }
            guard count > 0 else {
                if errno == EINTR { continue }
                throw failure("cannot read \(source)")
            }
            var written = 0
            while written < count {
                let step = piece[written..<count].withUnsafeBytes { write(output, $0.baseAddress, $0.count) }
                guard step > 0 || errno == EINTR else { throw failure("cannot write \(target)") }
                written += max(0, step)
            }
        }
    }

    private static func folder(of path: String) -> String {
        path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
    }

    private static func failure(
        _ what: String, _ status: StartupError.ExitStatus = .failure
    ) -> StartupError {
        StartupError(status, "\(what): \(String(cString: strerror(errno)))")
    }
}
