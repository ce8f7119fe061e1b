import Glibc

/// Tells systemd how the daemon is (`sd_notify(3)`), where `$NOTIFY_SOCKET` says where to; silent otherwise.
struct ServiceNotifier: Sendable {
    let address: String?
    /// How often systemd wants to hear that the daemon is alive; `nil` where it does not.
    let watchdogInterval: Duration?

    init(_ environment: Environment) {
        address = environment["NOTIFY_SOCKET"]
        let isForUs = environment["WATCHDOG_PID"].map { $0 == "\(getpid())" } ?? true
        watchdogInterval = environment["WATCHDOG_USEC"].flatMap { Int64($0) }.flatMap { microseconds in
            isForUs && microseconds > 0 ? .microseconds(microseconds) : nil
        }
    }

    /// Calls are accepted.
    func ready(_ status: String) { send("READY=1", "STATUS=\(status)") }

    /// The configuration is being read again; ends with ``ready(_:)``.
    func reloading() { send("RELOADING=1", "MONOTONIC_USEC=\(Self.monotonicMicroseconds)") }

    func stopping() { send("STOPPING=1", "STATUS=letting calls in flight finish") }

    func alive() { send("WATCHDOG=1") }

    /// Starting is under way and may take so much longer.
    func starting(_ status: String, for time: Duration) {
        send("STATUS=\(status)", "EXTEND_TIMEOUT_USEC=\(time.components.seconds * 1_000_000)")
    }

    private static var monotonicMicroseconds: Int {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return time.tv_sec * 1_000_000 + time.tv_nsec / 1000
    }

    /// Sends assignments in one message. Nobody waits for an answer, and a listener that is gone is no error.
    private func send(_ assignments: String...) {
        guard let address else { return }
        var target = sockaddr_un()
        target.sun_family = sa_family_t(AF_UNIX)
        var path = Array(address.utf8)
        guard path.count < MemoryLayout.size(ofValue: target.sun_path),
            path[0] == UInt8(ascii: "/") || path[0] == UInt8(ascii: "@")
        else { return }
        // An abstract address is written with @ for its leading NUL.
        if path[0] == UInt8(ascii: "@") { path[0] = 0 }
        withUnsafeMutableBytes(of: &target.sun_path) { $0.copyBytes(from: path) }
        let length = socklen_t(MemoryLayout<sa_family_t>.size + path.count)
        let kind = Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
        let descriptor = socket(AF_UNIX, kind, 0)
        guard descriptor >= 0 else { return }
        defer { close(descriptor) }
        let message = Array(assignments.joined(separator: "\n").utf8)
        withUnsafePointer(to: &target) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                _ = sendto(descriptor, message, message.count, Int32(MSG_NOSIGNAL), address, length)
            }
        }
    }
}
