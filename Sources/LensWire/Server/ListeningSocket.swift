internal import Glibc
public import LensCore

/// A Unix socket that is bound, and listens or is about to.
public struct ListeningSocket: Sendable {
    /// Where clients find it.
    public let path: String
    let descriptor: CInt
    /// The socket file's identity, so that nobody else's is ever removed; `nil` where it is not ours to remove.
    private let file: FileIdentity?

    struct FileIdentity: Sendable, Equatable {
        let device: dev_t
        let inode: ino_t
    }

    init(path: String, descriptor: CInt, file: FileIdentity?) {
        self.path = path
        self.descriptor = descriptor
        self.file = file
    }

    /// Linux keeps 108 bytes for a socket's path, with the final zero.
    private static let longestPath = 107

    /// Binds the socket. A stale one is removed if it is a socket, ours, and refuses a connection; the new one has its
    /// mode from its first moment. Serve it soon: until it listens it refuses connections like a stale one.
    ///
    /// - Parameters:
    ///   - mode: permission bits; 0600 lets in only the daemon's own user.
    ///   - group: whom the socket belongs to beside the daemon's user; `nil` is the group of the process.
    /// - Throws: a start-up error: exit status 75 where another daemon answers, 77 where the socket is another user's,
    ///   64 for a path that cannot be used.
    public static func bind(
        path: String, mode: UInt32 = 0o600, group: UInt32? = nil
    ) throws(StartupError) -> ListeningSocket {
        var address = try socketAddress(path)
        try removeStale(path, &address)
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw failure("cannot make a socket", errno) }
        // Nobody else's until it has its group.
        let oldMask = umask(mode_t(0o777 & ~(group == nil ? mode : 0o600)))
        let result = withSockAddr(&address) { Glibc.bind(descriptor, $0, $1) }
        let code = errno
        _ = umask(oldMask)
        guard result == 0 else {
            _ = Glibc.close(descriptor)
            if code == EADDRINUSE { throw StartupError(.temporary, "the socket \(path) was taken by another daemon") }
            throw failure("cannot bind the socket \(path)", code)
        }
        if let group, lchown(path, uid_t.max, group) != 0 || chmod(path, mode_t(mode)) != 0 {
            let reason = errno
            _ = Glibc.unlink(path)
            _ = Glibc.close(descriptor)
            throw failure("cannot give the socket \(path) to group \(group)", reason)
        }
        var status = stat()
        guard lstat(path, &status) == 0 else {
            _ = Glibc.close(descriptor)
            throw failure("the socket \(path) vanished as it was bound", errno)
        }
        return ListeningSocket(
            path: path, descriptor: descriptor, file: FileIdentity(device: status.st_dev, inode: status.st_ino))
    }

    /// Removes the socket's file if it is still this one.
    func unlink() {
        var status = stat()
        guard let file, lstat(path, &status) == 0, file == FileIdentity(device: status.st_dev, inode: status.st_ino)
        else { return }
        _ = Glibc.unlink(path)
    }

    /// Gives up a socket that was never served.
    public func abandon() {
        unlink()
        _ = Glibc.close(descriptor)
    }

    private static func removeStale(_ path: String, _ address: inout sockaddr_un) throws(StartupError) {
        var status = stat()
        guard lstat(path, &status) == 0 else {
            if errno == ENOENT { return }
            throw failure("cannot look at \(path)", errno)
        }
        guard status.st_mode & S_IFMT == S_IFSOCK else {
            throw StartupError(.usage, "\(path) exists and is not a socket; name another path or remove it")
        }
        guard status.st_uid == geteuid() else {
            throw StartupError(
                .notAllowed, "the socket \(path) belongs to uid \(status.st_uid), not to uid \(geteuid())")
        }
        let kind = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
        let probe = socket(AF_UNIX, kind, 0)
        guard probe >= 0 else { throw failure("cannot make a socket", errno) }
        defer { _ = Glibc.close(probe) }
        if withSockAddr(&address, { connect(probe, $0, $1) }) == 0 || errno == EAGAIN {
            throw StartupError(.temporary, "a daemon already answers at \(path); stop it or name another --socket")
        }
        switch errno {
        case ENOENT: return
        case ECONNREFUSED:
            guard Glibc.unlink(path) == 0 || errno == ENOENT else {
                throw failure("cannot remove the stale socket \(path)", errno)
            }
        default: throw failure("cannot tell whether a daemon answers at \(path)", errno)
        }
    }

    private static func socketAddress(_ path: String) throws(StartupError) -> sockaddr_un {
        let bytes = Array(path.utf8)
        guard !bytes.isEmpty, !bytes.contains(0) else {
            throw StartupError(.usage, "a socket's path is not empty and has no NUL; received \(path.debugDescription)")
        }
        guard bytes.count <= longestPath else {
            throw StartupError(
                .usage, "a socket's path has at most \(longestPath) bytes; \(path) has \(bytes.count)")
        }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
        return address
    }

    private static func withSockAddr<Result>(
        _ address: inout sockaddr_un, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Result
    ) -> Result {
        withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                body($0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
    }

    static func failure(_ what: String, _ code: CInt) -> StartupError {
        let status: StartupError.ExitStatus = code == EACCES || code == EPERM ? .notAllowed : .failure
        return StartupError(status, "\(what): \(String(cString: strerror(code)))")
    }
}
