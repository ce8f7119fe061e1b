import Glibc

/// Tells systemd how the daemon is (`sd_notify(3)`), where `$NOTIFY_SOCKET` says where to; silent otherwise.
struct ServiceNotifier {
    let address: String?

    init(_ environment: Environment) {
        address = environment["NOTIFY_SOCKET"]
    }

    /// Sends one assignment such as `READY=1`. Nobody waits for an answer, and a listener that is gone is no error.
    func send(_ assignment: String) {
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
        let descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return }
        defer { close(descriptor) }
        let message = Array(assignment.utf8)
        withUnsafePointer(to: &target) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                _ = sendto(descriptor, message, message.count, Int32(MSG_NOSIGNAL), address, length)
            }
        }
    }
}
