import Glibc
import LensCore
import LensWire

/// The socket that systemd has bound and hands over with the process (`sd_listen_fds(3)`).
enum ActivatedSocket {
    private static let firstDescriptor = CInt(3)

    /// Takes it over where there is one for this very process.
    ///
    /// - Throws: status 64 for more than one, and for one that is no listening Unix stream socket.
    static func take(_ environment: Environment) throws(StartupError) -> ListeningSocket? {
        guard let count = environment["LISTEN_FDS"], environment["LISTEN_PID"] == "\(getpid())" else { return nil }
        for name in ["LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES"] { unsetenv(name) }
        guard count == "1" else {
            throw StartupError(.usage, "lensd takes over one socket; LISTEN_FDS says \(count)")
        }
        return try ListeningSocket.adopt(descriptor: firstDescriptor)
    }
}
