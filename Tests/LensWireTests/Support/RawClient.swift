import Glibc
import LensCore
import LensWire

/// A socket that says what a test wants to say, right or wrong.
///
/// Never blocks a thread: tests and handlers share the machine's few.
final class RawClient {
    private let descriptor: CInt
    private var received: [UInt8] = []
    private var hasEnded = false

    init(path: String) throws {
        descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: Array(path.utf8)) }
        let result = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard result == 0 else { throw LensError(.unavailable, "connect: errno \(errno)") }
    }

    /// Connects and exchanges hellos.
    static func greeted(path: String) async throws -> RawClient {
        let client = try RawClient(path: path)
        try await client.send(.hello)
        guard case .hello = try await client.receive()?.body else { throw LensError(.internal, "no hello came back") }
        return client
    }

    deinit {
        close(descriptor)
    }

    func send(_ frame: ClientFrame) async throws {
        try await send(bytes: try FrameEncoder.encode(frame))
    }

    /// Sends bytes as they are; stops where the peer has gone.
    func send(bytes: [UInt8]) async throws {
        var sent = 0
        while sent < bytes.count {
            let count = bytes.withUnsafeBytes { room in
                Glibc.send(
                    descriptor, room.baseAddress.map { $0 + sent }, bytes.count - sent,
                    Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT))
            }
            if count > 0 {
                sent += count
            } else if errno == EAGAIN {
                try await Task.sleep(for: .milliseconds(1))
            } else {
                return
            }
        }
    }

    func endSending() {
        shutdown(descriptor, Int32(SHUT_WR))
    }

    /// The next frame; `nil` at the end of the stream.
    func receive(within limit: Duration = .seconds(10)) async throws -> ServerFrame? {
        let end = ContinuousClock.now + limit
        while true {
            if let frame = try nextFrame() { return frame }
            if hasEnded { return nil }
            if ContinuousClock.now > end { throw LensError(.deadlineExceeded, "nothing came within \(limit)") }
            if !fill() { try await Task.sleep(for: .milliseconds(1)) }
        }
    }

    /// The next frame that is no heartbeat.
    func receiveAnswer(within limit: Duration = .seconds(10)) async throws -> ServerFrame? {
        while let frame = try await receive(within: limit) {
            if frame.body != .heartbeat { return frame }
        }
        return nil
    }

    /// Whether the daemon closes the connection, whatever it still says.
    func isClosed(within limit: Duration = .seconds(5)) async throws -> Bool {
        do {
            while try await receive(within: limit) != nil {}
            return true
        } catch let error as LensError where error.code == .deadlineExceeded {
            return false
        }
    }

    private func nextFrame() throws -> ServerFrame? {
        guard received.count >= 4 else { return nil }
        let length = received[..<4].reduce(0) { $0 << 8 | Int($1) }
        guard received.count >= 4 + length else { return nil }
        defer { received.removeFirst(4 + length) }
        return try Coding.serverFrame.decode(Array(received[4..<4 + length]))
    }

    private func fill() -> Bool {
        var piece = [UInt8](repeating: 0, count: 1 << 16)
        let count = recv(descriptor, &piece, piece.count, Int32(MSG_DONTWAIT))
        if count > 0 {
            received += piece[..<count]
            return true
        }
        if count == 0 || errno != EAGAIN { hasEnded = true }
        return false
    }
}

extension ClientFrame {
    static var hello: ClientFrame { ClientFrame(.hello(ClientHello(protocolVersions: [1], client: "raw/1"))) }

    static func start<Request, Reply>(
        _ id: UInt32, _ method: UnaryMethod<Request, Reply>, _ request: Request, deadline: UInt64 = 0
    ) throws -> ClientFrame {
        let bytes = try method.request.encode(request)
        return ClientFrame(
            callID: id, .start(StartCall(method: method.path, request: bytes, deadlineMilliseconds: deadline)))
    }

    static func start<Request, Event>(
        _ id: UInt32, _ method: StreamingMethod<Request, Event>, _ request: Request, window: UInt32 = 0
    ) throws -> ClientFrame {
        let bytes = try method.request.encode(request)
        return ClientFrame(callID: id, .start(StartCall(method: method.path, request: bytes, window: window)))
    }
}

extension ServerFrame {
    /// The status that the frame carries, if it carries one.
    var status: Status? {
        if case .status(let status) = body { status } else { nil }
    }
}
