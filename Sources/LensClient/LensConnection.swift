public import LensCore
public import LensWire
internal import Synchronization

/// What a call may say besides its request.
public struct CallOptions: Sendable {
    /// How long the daemon may take; `nil` is the method's default (60 s for unary calls, any time for streams).
    public var timeout: Duration?
    /// The same for every try of one call that writes, so that it is done once; at most 64 bytes.
    public var requestID: [UInt8]
    /// Bytes of a stream's messages that may be under way before they are taken; zero is the default, 4 MiB.
    public var window: UInt32

    public init(timeout: Duration? = nil, requestID: [UInt8] = [], window: UInt32 = 0) {
        self.timeout = timeout
        self.requestID = requestID
        self.window = window
    }
}

/// A connection to a daemon. Many calls can be under way at once, from any task.
///
/// Where the daemon went away, the next call connects again; calls that may be are made again, as its policy says.
public final class LensConnection: Sendable {
    private struct State {
        var link: ClientLink
        var isClosed = false
    }

    /// The socket that answered.
    public let path: String
    /// Program and version of the daemon that answered first, such as `lensd/0.1.0`.
    public let server: String
    public let protocolVersion: Int
    let retry: RetryPolicy?
    private let client: String
    private let timeout: Int
    private let state: Mutex<State>

    private init(
        path: String, client: String, timeout: Int, retry: RetryPolicy?, hello: ServerHello, link: ClientLink
    ) {
        self.path = path
        self.client = client
        self.timeout = timeout
        self.retry = retry
        server = hello.server
        protocolVersion = Int(hello.protocolVersion)
        state = Mutex(State(link: link))
    }

    deinit {
        state.withLock { $0.link }.close()
    }

    /// Connects and says hello; blocks for the moment that takes.
    ///
    /// - Parameters:
    ///   - client: program and version, for the daemon's log.
    ///   - timeout: how long the daemon may take to answer, in seconds.
    ///   - retry: how calls are tried again; `nil` makes each once. Connecting is never tried again here.
    /// - Throws: `UNAVAILABLE` where no daemon answers, `PERMISSION_DENIED`, `FAILED_PRECONDITION` where it speaks
    ///   another protocol version, or what the daemon says instead of a hello.
    public static func connect(
        path: String, client: String = "lensd-swift/\(lensdVersion)", timeout: Int = 10,
        retry: RetryPolicy? = RetryPolicy()
    ) throws(LensError) -> LensConnection {
        let (hello, link) = try Self.greet(path: path, client: client, timeout: timeout)
        return LensConnection(
            path: path, client: client, timeout: timeout, retry: retry, hello: hello, link: link)
    }

    private static func greet(
        path: String, client: String, timeout: Int
    ) throws(LensError) -> (ServerHello, ClientLink) {
        let socket = try ClientSocket.connect(path: path, timeout: timeout)
        socket.setReadTimeout(seconds: timeout)
        let hello = ClientHello(protocolVersions: WireProtocol.versions, client: client)
        _ = socket.write(try FrameEncoder.encode(ClientFrame(.hello(hello))))
        guard let bytes = try socket.readFrame() else {
            throw .unavailable("the daemon at \(path) closed the connection without a word")
        }
        let answer = try Coding.serverFrame.decode(bytes)
        switch answer.body {
        case .hello(let hello) where answer.callID == 0:
            guard WireProtocol.versions.contains(hello.protocolVersion) else {
                throw LensError(
                    .failedPrecondition,
                    "the daemon at \(path) chose protocol version \(hello.protocolVersion), which was not offered")
            }
            socket.setReadTimeout(seconds: 0)
            return (hello, try ClientLink(socket: socket))
        case .status(let status):
            throw status.error ?? .unavailable("the daemon at \(path) closed the connection")
        default:
            throw .unavailable("what answers at \(path) is no lensd")
        }
    }

    /// Ends the connection; calls under way end with `UNAVAILABLE`.
    public func close() {
        let link = state.withLock { state in
            state.isClosed = true
            return state.link
        }
        link.close()
    }

    /// Calls a unary method. Cancelling the task cancels the call.
    ///
    /// - Throws: the call's status, or `UNAVAILABLE` where the connection ends before it.
    public func call<Request, Reply>(
        _ method: UnaryMethod<Request, Reply>, _ request: Request, options: CallOptions = CallOptions()
    ) async throws(LensError) -> Reply {
        let tries = CallTries(policy: retry, safety: method.retry, options: options)
        let bytes = try method.request.encode(request)
        while true {
            let call = try await start(method.path, bytes, tries, window: options.window)
            let arrival = await withTaskCancellationHandler {
                await call.pending.nextOfWhole()
            } onCancel: {
                call.cancel()
            }
            var end: LensError?
            switch arrival {
            case .message(let bytes):
                // The end came with it: an error after a reply is still an error.
                if case .end(let error?) = await call.pending.next() {
                    end = error
                } else {
                    return try Self.decode(method.reply, bytes)
                }
            case .end(let error):
                end = error
            }
            guard let end else { throw LensError(.internal, "the daemon ended \(method.path) without a reply") }
            try await pause(tries, after: end, wasSent: true)
        }
    }

    /// Calls a streaming method. Dropping the stream, or cancelling the task that reads it, cancels the call.
    ///
    /// The call is made again as long as no event of it was taken.
    ///
    /// - Throws: `INVALID_ARGUMENT` for what cannot be sent; all else comes from the stream.
    public func call<Request, Event>(
        _ method: StreamingMethod<Request, Event>, _ request: Request, options: CallOptions = CallOptions()
    ) throws(LensError) -> EventStream<Event> {
        let tries = CallTries(policy: retry, safety: method.retry, options: options)
        return try stream(method, request, tries, window: options.window)
    }

    /// What `read` makes of all events of a call: of all of a new try, where there is one.
    func whole<Request, Event, Result>(
        _ method: StreamingMethod<Request, Event>, _ request: Request, options: CallOptions,
        _ read: (EventStream<Event>) async throws(LensError) -> Result
    ) async throws(LensError) -> Result {
        let tries = CallTries(policy: retry, safety: method.retry, options: options)
        while true {
            let stream = try stream(method, request, tries, window: options.window)
            do {
                return try await read(stream)
            } catch {
                // Without an event the stream itself has tried what there was to be tried.
                guard stream.source.wasTaken else { throw error }
                try await pause(tries, after: error, wasSent: true)
            }
        }
    }

    /// Calls a method to which both sides stream, with its first message. It is made once.
    ///
    /// - Throws: where it cannot be started; the call's own errors come with its events.
    func exchange<Message, Event>(
        _ method: BidirectionalMethod<Message, Event>, _ first: Message, options: CallOptions
    ) async throws(LensError) -> Exchange<Message, Event> {
        let tries = CallTries(policy: retry, safety: .never, options: options)
        let call = try await start(
            method.path, try method.message.encode(first), tries, window: options.window)
        return Exchange(call: call, message: method.message, event: method.event)
    }

    /// What `talk` makes of a call to which both sides stream: of a new try, from its first message on, where there is
    /// one.
    func whole<Message, Event, Result>(
        _ method: BidirectionalMethod<Message, Event>, _ first: Message, options: CallOptions,
        _ talk: (Exchange<Message, Event>) async throws(LensError) -> Result
    ) async throws(LensError) -> Result {
        let tries = CallTries(policy: retry, safety: method.retry, options: options)
        let bytes = try method.message.encode(first)
        while true {
            let call = try await start(method.path, bytes, tries, window: options.window)
            do {
                return try await talk(Exchange(call: call, message: method.message, event: method.event))
            } catch {
                try await pause(tries, after: error, wasSent: true)
            }
        }
    }

    private func stream<Request, Event>(
        _ method: StreamingMethod<Request, Event>, _ request: Request, _ tries: CallTries, window: UInt32
    ) throws(LensError) -> EventStream<Event> {
        let source = EventSource(
            connection: self, path: method.path, request: try method.request.encode(request), tries: tries,
            window: window == 0 ? WireProtocol.defaultWindow : window)
        return EventStream(source: source, coding: method.event)
    }

    // MARK: - Tries

    /// A call that was started.
    struct StartedCall: Sendable {
        let link: ClientLink
        let id: UInt32
        let pending: PendingCall

        /// Does nothing where the call has ended.
        func cancel() { link.cancel(id) }
    }

    /// Starts a call; waits for a daemon that went away.
    func start(
        _ path: String, _ request: [UInt8], _ tries: CallTries, window: UInt32
    ) async throws(LensError) -> StartedCall {
        while true {
            do {
                return try startNow(path, request, tries, window: window)
            } catch {
                try await pause(tries, after: error, wasSent: false)
            }
        }
    }

    /// Starts a call, on a new connection where the last one has ended.
    ///
    /// - Throws: where the daemon cannot have heard of it.
    func startNow(
        _ path: String, _ request: [UInt8], _ tries: CallTries, window: UInt32
    ) throws(LensError) -> StartedCall {
        let link = try openLink()
        let timeout = tries.begin()
        let (id, pending) = try link.start(
            StartCall(
                method: path, request: request,
                deadlineMilliseconds: timeout.map { UInt64(max(1, $0.wholeMilliseconds)) } ?? 0, window: window,
                requestID: tries.requestID))
        return StartedCall(link: link, id: id, pending: pending)
    }

    /// Waits until the next try.
    ///
    /// - Throws: the error where there is to be none; `CANCELLED`.
    func pause(_ tries: CallTries, after error: LensError, wasSent: Bool) async throws(LensError) {
        guard !state.withLock(\.isClosed) else { throw error }
        let delay = try tries.delay(after: error, wasSent: wasSent)
        do {
            try await Task.sleep(for: delay)
        } catch {
            throw .cancelled
        }
    }

    private func openLink() throws(LensError) -> ClientLink {
        let (link, isClosed) = state.withLock { ($0.link, $0.isClosed) }
        guard link.hasEnded, !isClosed else { return link }
        // Blocks, and so not under the lock; of two that connect at once the first stays.
        let (_, made) = try Self.greet(path: path, client: client, timeout: timeout)
        let kept = state.withLock { state in
            if state.link === link, !state.isClosed { state.link = made }
            return state.link
        }
        if kept !== made { made.close() }
        return kept
    }

    /// A reply that does not decode is the daemon's fault, not the caller's argument.
    static func decode<Value>(_ coding: Coding<Value>, _ bytes: [UInt8]) throws(LensError) -> Value {
        do {
            return try coding.decode(bytes)
        } catch {
            throw LensError(.internal, "the daemon's reply cannot be read: \(error.message)", cause: error)
        }
    }
}
