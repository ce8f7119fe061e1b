public import LensCore
public import LensWire

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
public final class LensConnection: Sendable {
    /// The socket that answered.
    public let path: String
    /// Program and version of the daemon, such as `lensd/0.1.0`.
    public let server: String
    public let protocolVersion: Int
    let link: ClientLink

    private init(path: String, hello: ServerHello, link: ClientLink) {
        self.path = path
        server = hello.server
        protocolVersion = Int(hello.protocolVersion)
        self.link = link
    }

    deinit {
        link.close()
    }

    /// Connects and says hello; blocks for the moment that takes.
    ///
    /// - Parameters:
    ///   - client: program and version, for the daemon's log.
    ///   - timeout: how long the daemon may take to answer, in seconds.
    /// - Throws: `UNAVAILABLE` where no daemon answers, `PERMISSION_DENIED`, `FAILED_PRECONDITION` where it speaks
    ///   another protocol version, or what the daemon says instead of a hello.
    public static func connect(
        path: String, client: String = "lensd-swift/\(lensdVersion)", timeout: Int = 10
    ) throws(LensError) -> LensConnection {
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
            return LensConnection(path: path, hello: hello, link: try ClientLink(socket: socket))
        case .status(let status):
            throw status.error ?? .unavailable("the daemon at \(path) closed the connection")
        default:
            throw .unavailable("what answers at \(path) is no lensd")
        }
    }

    /// Ends the connection; calls under way end with `UNAVAILABLE`.
    public func close() {
        link.close()
    }

    /// Calls a unary method. Cancelling the task cancels the call.
    ///
    /// - Throws: the call's status, or `UNAVAILABLE` where the connection ends before it.
    public func call<Request, Reply>(
        _ method: UnaryMethod<Request, Reply>, _ request: Request, options: CallOptions = CallOptions()
    ) async throws(LensError) -> Reply {
        let (id, pending) = try link.start(
            StartCall(method: method.path, request: try method.request.encode(request), options: options))
        let arrival = await withTaskCancellationHandler {
            await pending.nextOfWhole()
        } onCancel: {
            link.cancel(id)
        }
        switch arrival {
        case .message(let bytes):
            // The end came with it: an error after a reply is still an error.
            if case .end(let error?) = await pending.next() { throw error }
            return try Self.decode(method.reply, bytes)
        case .end(let error):
            throw error ?? LensError(.internal, "the daemon ended \(method.path) without a reply")
        }
    }

    /// Calls a streaming method. Dropping the stream, or cancelling the task that reads it, cancels the call.
    ///
    /// - Throws: `UNAVAILABLE` where the connection has ended; the call's own errors come from the stream.
    public func call<Request, Event>(
        _ method: StreamingMethod<Request, Event>, _ request: Request, options: CallOptions = CallOptions()
    ) throws(LensError) -> EventStream<Event> {
        let (id, pending) = try link.start(
            StartCall(method: method.path, request: try method.request.encode(request), options: options))
        let window = options.window == 0 ? WireProtocol.defaultWindow : options.window
        return EventStream(
            source: EventSource(connection: self, id: id, pending: pending, window: Int(window)), coding: method.event)
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

extension StartCall {
    fileprivate init(method: String, request: [UInt8], options: CallOptions) {
        self.init(
            method: method, request: request,
            deadlineMilliseconds: options.timeout.map { UInt64(max(1, $0.wholeMilliseconds)) } ?? 0,
            window: options.window, requestID: options.requestID)
    }
}
