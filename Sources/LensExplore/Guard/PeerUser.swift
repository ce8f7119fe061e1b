internal import Glibc
internal import NIOCore

/// Whose program is at the other end of a loopback connection, from the kernel's table of connections.
///
/// A cookie for 127.0.0.1 goes to every port of it, other users' servers among them: a secret alone is not enough to
/// tell one's own browser. A Unix socket would say who connects; of TCP the kernel lists it here.
package enum PeerUser {
    /// The uid that owns the other end of a connection.
    ///
    /// - Parameters:
    ///   - peer: the other end.
    ///   - own: this end.
    /// - Returns: `nil` where the kernel does not say, such as in some sandboxes.
    static func userID(of peer: SocketAddress, to own: SocketAddress) -> UInt32? {
        guard let (address, port) = numbers(peer), let (ownAddress, ownPort) = numbers(own) else { return nil }
        // The second table has the connections of programs that speak IPv4 through IPv6.
        for (path, prefix) in [("/proc/net/tcp", ""), ("/proc/net/tcp6", "0000000000000000FFFF0000")] {
            let local = "\(prefix)\(hex(address, digits: 8)):\(hex(UInt32(port), digits: 4))"
            let remote = "\(prefix)\(hex(ownAddress, digits: 8)):\(hex(UInt32(ownPort), digits: 4))"
            if let table = contents(path), let user = userID(in: table, local: local, remote: remote) { return user }
        }
        return nil
    }

    /// The uid of an established connection's line in a table such as `/proc/net/tcp`.
    ///
    /// - Parameters:
    ///   - local: the connection's own end as the table writes it, such as `0100007F:1F90`.
    ///   - remote: likewise what it is connected to.
    package static func userID(in table: some StringProtocol, local: String, remote: String) -> UInt32? {
        for line in table.split(separator: "\n").dropFirst() {
            let fields = line.split(separator: " ", maxSplits: 8, omittingEmptySubsequences: true)
            // number, local, remote, state, queues, timer, retransmissions, uid
            guard fields.count >= 8, fields[1] == local, fields[2] == remote, fields[3] == "01" else { continue }
            return UInt32(fields[7])
        }
        return nil
    }

    /// Address as it lies in memory, and port.
    private static func numbers(_ address: SocketAddress) -> (UInt32, UInt16)? {
        guard case .v4(let address) = address else { return nil }
        return (address.address.sin_addr.s_addr, UInt16(bigEndian: address.address.sin_port))
    }

    private static func hex(_ number: UInt32, digits: Int) -> String {
        let text = String(number, radix: 16, uppercase: true)
        return String(repeating: "0", count: max(0, digits - text.count)) + text
    }

    private static func contents(_ path: String) -> String? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = read(descriptor, &piece, piece.count)
            guard count > 0 else { return count == 0 ? String(decoding: bytes, as: UTF8.self) : nil }
            bytes += piece[..<count]
        }
    }
}
