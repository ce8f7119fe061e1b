import Glibc
import LensCore

/// The folder in which one daemon keeps what outlives it, locked for that daemon alone.
///
/// The lock is advisory (`flock`) and belongs to the open file: the kernel drops it however the process ends.
public final class StateFolder: Sendable {
    public let path: String
    private let lockDescriptor: CInt

    /// Makes the folder (mode 0700) where it is missing, checks it and takes its lock.
    ///
    /// - Throws: status 75 where another daemon holds the lock, 77 where the folder is not ours to use, 1 otherwise.
    public init(at path: String) throws(StartupError) {
        try Self.makeFolder(path)
        try Self.check(path)
        self.path = path
        lockDescriptor = try Self.takeLock(of: path)
    }

    deinit {
        close(lockDescriptor)
    }

    private static func makeFolder(_ path: String) throws(StartupError) {
        guard !path.isEmpty else { throw StartupError(.usage, "the state folder's path is empty") }
        var ends = path.indices.filter { path[$0] == "/" && $0 > path.startIndex }
        ends.append(path.endIndex)
        for end in ends where mkdir(String(path[..<end]), 0o700) != 0 && errno != EEXIST {
            throw failure("cannot make the state folder \(path)", errno)
        }
    }

    private static func check(_ path: String) throws(StartupError) {
        var status = stat()
        guard stat(path, &status) == 0 else { throw failure("cannot look at the state folder \(path)", errno) }
        guard status.st_mode & S_IFMT == S_IFDIR else {
            throw StartupError(.failure, "the state folder \(path) is not a folder")
        }
        guard status.st_uid == geteuid() else {
            throw StartupError(
                .notAllowed,
                "the state folder \(path) must belong to uid \(geteuid()), which runs lensd; "
                    + "it belongs to uid \(status.st_uid)"
            )
        }
        guard status.st_mode & (S_IWGRP | S_IWOTH) == 0 else {
            throw StartupError(
                .notAllowed, "the state folder \(path) must not be writable by group or others (chmod go-w)")
        }
    }

    private static func takeLock(of path: String) throws(StartupError) -> CInt {
        let lockPath = path + "/lensd.lock"
        let descriptor = open(lockPath, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw failure("cannot open the lock \(lockPath)", errno) }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            let reason = errno
            let holder = readHolder(descriptor)
            close(descriptor)
            guard reason == EWOULDBLOCK else { throw failure("cannot lock \(lockPath)", reason) }
            throw StartupError(
                .temporary,
                "the state folder \(path) is in use by another lensd\(holder.map { " (process \($0))" } ?? ""); "
                    + "stop that one or give another --state")
        }
        // Who holds it, for the message above only; the lock itself does not depend on what stands here.
        let holder = Array("\(getpid())\n".utf8)
        if ftruncate(descriptor, 0) == 0 { _ = pwrite(descriptor, holder, holder.count, 0) }
        return descriptor
    }

    private static func readHolder(_ descriptor: CInt) -> Int32? {
        var bytes = [UInt8](repeating: 0, count: 16)
        let count = pread(descriptor, &bytes, bytes.count, 0)
        guard count > 0 else { return nil }
        return Int32(String(decoding: bytes.prefix(count).prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self))
    }

    private static func failure(_ what: String, _ code: CInt) -> StartupError {
        let status: StartupError.ExitStatus = code == EACCES || code == EPERM ? .notAllowed : .failure
        return StartupError(status, "\(what): \(String(cString: strerror(code)))")
    }
}
