internal import Glibc
public import LensCore

extension ListeningSocket {
    /// Takes over a socket that somebody else has bound and listens on, as systemd does; its file is never removed.
    ///
    /// - Throws: status 64 for a descriptor that is no listening Unix stream socket with a path.
    public static func adopt(descriptor: CInt) throws(StartupError) -> ListeningSocket {
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFSOCK else {
            throw StartupError(.usage, "descriptor \(descriptor) must be a listening Unix socket; it is no socket")
        }
        let facts = [
            ("of the family AF_UNIX", SO_DOMAIN, AF_UNIX), ("a stream socket", SO_TYPE, CInt(SOCK_STREAM.rawValue)),
            ("listening", SO_ACCEPTCONN, 1),
        ]
        for (what, option, expected) in facts {
            var value = CInt(-1)
            var length = socklen_t(MemoryLayout<CInt>.size)
            guard getsockopt(descriptor, SOL_SOCKET, option, &value, &length) == 0, value == expected else {
                throw StartupError(
                    .usage, "descriptor \(descriptor) must be a listening Unix stream socket; it is not \(what)")
            }
        }
        guard let path = path(of: descriptor) else {
            throw StartupError(.usage, "descriptor \(descriptor) must be a socket with a path; it has none")
        }
        guard fcntl(descriptor, F_SETFD, FD_CLOEXEC) == 0 else {
            throw failure("cannot take over descriptor \(descriptor)", errno)
        }
        return ListeningSocket(path: path, descriptor: descriptor, file: nil)
    }

    private static func path(of descriptor: CInt) -> String? {
        var address = sockaddr_un()
        var length = socklen_t(MemoryLayout<sockaddr_un>.size)
        let code = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &length) }
        }
        guard code == 0, address.sun_family == sa_family_t(AF_UNIX) else { return nil }
        let bytes = withUnsafeBytes(of: &address.sun_path) { Array($0.prefix { $0 != 0 }) }
        return bytes.isEmpty ? nil : String(decoding: bytes, as: UTF8.self)
    }
}
