internal import Glibc
internal import LensCore
internal import LensWire
internal import Synchronization

/// The calls of one connection and the thread that reads for them.
final class ClientLink: Sendable {
    private struct State {
        var lastID: UInt32 = 0
        var calls: [UInt32: PendingCall] = [:]
        /// Why nothing can be called any more.
        var end: LensError?
    }

    private let socket: ClientSocket
    private let state = Mutex(State())

    /// Takes over a socket on which both sides have said hello.
    init(socket: ClientSocket) throws(LensError) {
        self.socket = socket
        var thread = pthread_t()
        let context = Unmanaged.passRetained(self)
        let code = pthread_create(
            &thread, nil,
            { context in
                guard let context else { return nil }
                Unmanaged<ClientLink>.fromOpaque(context).takeRetainedValue().read()
                return nil
            }, context.toOpaque())
        guard code == 0 else {
            context.release()
            throw LensError(.internal, "cannot start a thread: \(String(cString: strerror(code)))")
        }
        pthread_detach(thread)
    }

    /// Whether nothing can be called any more.
    var hasEnded: Bool { state.withLock { $0.end != nil || $0.lastID == .max } }

    /// Starts a call.
    ///
    /// - Throws: `UNAVAILABLE` after the connection's end, `RESOURCE_EXHAUSTED` for a request that does not fit a
    ///   frame.
    func start(_ call: StartCall) throws(LensError) -> (id: UInt32, PendingCall) {
        let pending = PendingCall()
        let (id, end) = state.withLock { state -> (UInt32, LensError?) in
            if let end = state.end { return (0, end) }
            guard state.lastID < .max else { return (0, .unavailable("the connection has used all its call ids")) }
            state.lastID += 1
            state.calls[state.lastID] = pending
            return (state.lastID, nil)
        }
        if let end { throw end }
        do {
            // A write that fails needs no error of its own: the reader finds the end of the stream, after what the
            // daemon still said.
            if !socket.write(try FrameEncoder.encode(ClientFrame(callID: id, .start(call)))) { socket.shutdown() }
        } catch {
            forget(id)
            throw error
        }
        return (id, pending)
    }

    /// Sends a further request message of a call; what is said of an ended call is ignored.
    ///
    /// Credit is not looked at: who waits for an answer to each message always has some.
    func send(_ message: [UInt8], to id: UInt32) throws(LensError) {
        if !socket.write(try FrameEncoder.encode(ClientFrame(callID: id, .message(message)))) { socket.shutdown() }
    }

    /// No more request messages come.
    func endStream(_ id: UInt32) {
        send(ClientFrame(callID: id, .endStream))
    }

    /// Ends a call that nobody waits for any more.
    func cancel(_ id: UInt32) {
        guard let pending = forget(id) else { return }
        pending.end(.cancelled)
        send(ClientFrame(callID: id, .cancel))
    }

    /// There is room for so many more bytes of the call's messages.
    func grant(_ bytes: Int, to id: UInt32) {
        send(ClientFrame(callID: id, .credit(UInt32(clamping: bytes))))
    }

    func close() {
        fail(.unavailable("the connection was closed"))
        socket.shutdown()
    }

    @discardableResult
    private func forget(_ id: UInt32) -> PendingCall? {
        state.withLock { $0.calls.removeValue(forKey: id) }
    }

    private func send(_ frame: ClientFrame) {
        if let bytes = try? FrameEncoder.encode(frame) { _ = socket.write(bytes) }
    }

    // MARK: - The reading thread

    private func read() {
        do {
            while let bytes = try socket.readFrame() {
                try receive(try Coding.serverFrame.decode(bytes))
            }
            fail(.unavailable("the daemon closed the connection before it answered"))
        } catch {
            fail(error)
        }
        socket.close()
    }

    private func receive(_ frame: ServerFrame) throws(LensError) {
        switch frame.body {
        case .status(let status) where frame.callID == 0:
            throw status.error ?? .unavailable("the daemon closed the connection")
        case .message(let message):
            let pending = state.withLock { $0.calls[frame.callID] }
            pending?.deliver(message)
        case .status(let status):
            forget(frame.callID)?.end(status.error)
        case .heartbeat, .credit, .pong, .hello:
            break
        }
    }

    private func fail(_ error: LensError) {
        let calls = state.withLock { state in
            if state.end == nil { state.end = error }
            defer { state.calls = [:] }
            return state.calls.values
        }
        for call in calls { call.end(error) }
    }
}
