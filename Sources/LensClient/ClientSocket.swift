internal import Glibc
internal import LensCore
internal import LensWire
internal import Synchronization

/// A connected Unix socket that writes and reads whole frames, blocking.
///
/// A client has one connection and wants to be up at once, so it is a plain socket: a call writes its own frame, and
/// one thread reads (``ClientLink``). SwiftNIO would add an event loop and two thread hops to each call, and buys
/// nothing here.
final class ClientSocket: Sendable {
    private let descriptor: CInt
    /// Held while writing, so that frames do not mix.
    private let writing = Mutex(())
    /// False once the descriptor is closed and its number may be another's; changes only while nobody writes.
    private let isOpen = Mutex(true)

    private init(descriptor: CInt) {
        self.descriptor = descriptor
    }

    deinit {
        close()
    }

    /// - Parameter timeout: seconds until connecting, or a write that the daemon does not take, is given up.
    /// - Throws: `UNAVAILABLE` where nobody answers, `PERMISSION_DENIED` where the socket's mode forbids it.
    static func connect(path: String, timeout: Int) throws(LensError) -> ClientSocket {
        let bytes = Array(path.utf8)
        var address = sockaddr_un()
        guard !bytes.isEmpty, !bytes.contains(0), bytes.count < MemoryLayout.size(ofValue: address.sun_path) else {
            throw .invalidArgument(
                "a socket's path has 1 to 107 bytes without NUL; \(path.debugDescription) has \(bytes.count)")
        }
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
        let descriptor = Glibc.socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw .unavailable("cannot make a socket: \(reason(errno))") }
        let socket = ClientSocket(descriptor: descriptor)
        socket.set(SO_SNDTIMEO, seconds: timeout)
        let result = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Glibc.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard result == 0 else {
            switch errno {
            case EACCES, EPERM: throw LensError(.permissionDenied, "not allowed to connect to \(path)")
            case ENOENT: throw .unavailable("there is no socket \(path)")
            case ECONNREFUSED: throw .unavailable("nobody answers at \(path)")
            case let code: throw .unavailable("cannot connect to \(path): \(reason(code))")
            }
        }
        return socket
    }

    /// Bounds how long a read may wait; zero waits for any time.
    func setReadTimeout(seconds: Int) {
        set(SO_RCVTIMEO, seconds: seconds)
    }

    /// Writes all of it; returns false when the daemon is gone or takes nothing.
    func write(_ bytes: [UInt8]) -> Bool {
        writing.withLock { _ in
            guard isOpen.withLock({ $0 }) else { return false }
            var sent = 0
            while sent < bytes.count {
                let count = bytes.withUnsafeBytes { room in
                    send(descriptor, room.baseAddress.map { $0 + sent }, bytes.count - sent, Int32(MSG_NOSIGNAL))
                }
                if count > 0 {
                    sent += count
                } else if count == 0 || errno != EINTR {
                    // Half a frame may be out: nothing can follow it.
                    if sent > 0 { shutdown() }
                    return false
                }
            }
            return true
        }
    }

    /// The next frame's message; `nil` at the end of the stream.
    ///
    /// - Throws: `UNAVAILABLE` for a broken connection, `DEADLINE_EXCEEDED` past the read timeout, and what
    ///   ``FrameDecoder/check(length:limit:)`` says of a length.
    func readFrame() throws(LensError) -> [UInt8]? {
        guard let prefix = try read(count: WireProtocol.prefixBytes) else { return nil }
        let length = prefix.reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
        try FrameDecoder.check(length: length, limit: WireProtocol.maxReplyBytes)
        guard let frame = try read(count: Int(length)) else {
            throw .unavailable("the daemon closed the connection inside a frame")
        }
        return frame
    }

    private func read(count: Int) throws(LensError) -> [UInt8]? {
        var received = 0
        var code: CInt = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: count) { room, filled in
            while received < count {
                let step = recv(descriptor, room.baseAddress.map { $0 + received }, count - received, 0)
                if step > 0 {
                    received += step
                } else if step == 0 {
                    break
                } else if errno != EINTR {
                    code = errno
                    break
                }
            }
            filled = received
        }
        if received == count { return bytes }
        switch code {
        case 0 where received == 0: return nil
        case 0: throw .unavailable("the daemon closed the connection inside a frame")
        case EAGAIN: throw LensError(.deadlineExceeded, "the daemon does not answer")
        default: throw .unavailable("the connection to the daemon broke: \(Self.reason(code))")
        }
    }

    /// Wakes whoever reads or writes; nothing can be written any more.
    func shutdown() {
        isOpen.withLock { isOpen in
            if isOpen { _ = Glibc.shutdown(descriptor, Int32(SHUT_RDWR)) }
        }
    }

    /// Closes the socket, once nobody writes.
    func close() {
        shutdown()
        writing.withLock { _ in
            isOpen.withLock { isOpen in
                if isOpen { _ = Glibc.close(descriptor) }
                isOpen = false
            }
        }
    }

    private func set(_ option: CInt, seconds: Int) {
        var time = timeval(tv_sec: seconds, tv_usec: 0)
        _ = setsockopt(descriptor, SOL_SOCKET, option, &time, socklen_t(MemoryLayout<timeval>.size))
    }

    private static func reason(_ code: CInt) -> String {
        String(cString: strerror(code))
    }
}
