public import LensCore

/// Which handler answers which method.
public struct Router: Sendable {
    struct Route: Sendable {
        let kind: MethodKind
        /// Decodes the request and calls the handler. Messages of a stream go to the sink, further requests come from
        /// the queue; what is returned is the frame that ends a unary call, to be written together with its status.
        let serve: @Sendable ([UInt8], CallContext, MessageSink, RequestQueue) async throws -> ReplyFrame?
    }

    private var routes: [String: Route] = [:]

    public init() {}

    /// Answers a unary method.
    ///
    /// What the handler throws becomes the call's status: a `LensError` as it is, cancellation as `CANCELLED` or
    /// `DEADLINE_EXCEEDED`, anything else as `INTERNAL` with the error in the log only.
    public mutating func unary<Request, Reply>(
        _ method: UnaryMethod<Request, Reply>,
        _ handler: @escaping @Sendable (Request, CallContext) async throws -> Reply
    ) {
        routes[method.path] = Route(kind: .unary) { bytes, context, sink, _ in
            let reply = try await handler(try method.request.decode(bytes), context)
            return try sink.frame(method.reply, reply)
        }
    }

    /// Answers a method whose replies are a stream; what was sent before an error was thrown has arrived.
    public mutating func streaming<Request, Event>(
        _ method: StreamingMethod<Request, Event>,
        _ handler: @escaping @Sendable (Request, CallContext, ReplySink<Event>) async throws -> Void
    ) {
        routes[method.path] = Route(kind: .serverStreaming) { bytes, context, sink, _ in
            try await handler(
                try method.request.decode(bytes), context, ReplySink(sink: sink, coding: method.event))
            return nil
        }
    }

    /// Answers a method that streams both ways; the handler gets the first request message and takes the further ones.
    public mutating func bidirectional<Message, Event>(
        _ method: BidirectionalMethod<Message, Event>,
        _ handler:
            @escaping @Sendable (Message, RequestSource<Message>, CallContext, ReplySink<Event>) async throws -> Void
    ) {
        routes[method.path] = Route(kind: .bidirectional) { bytes, context, sink, queue in
            try await handler(
                try method.message.decode(bytes),
                RequestSource(queue: queue, coding: method.message, control: context.control), context,
                ReplySink(sink: sink, coding: method.event))
            return nil
        }
    }

    /// The paths that are answered, sorted.
    public var paths: [String] { routes.keys.sorted() }

    subscript(path: String) -> Route? { routes[path] }
}

/// Where a streaming handler puts its events.
public struct ReplySink<Event: Sendable>: Sendable {
    let sink: MessageSink
    let coding: Coding<Event>

    /// Sends one event; waits while the client has no room for it.
    ///
    /// - Throws: `CANCELLED` or `DEADLINE_EXCEEDED` when nobody waits any more, `RESOURCE_EXHAUSTED` for an event that
    ///   does not fit a frame (4 MiB) or a client that makes no room for 30 s.
    public func send(_ event: Event) async throws(LensError) {
        try await sink.send(coding, event)
    }
}

/// Where a bidirectional handler gets its client's further messages.
public struct RequestSource<Message: Sendable>: Sendable {
    let queue: RequestQueue
    let coding: Coding<Message>
    let control: CallControl

    /// Waits for the next message, while the call's clock stands still; `nil` after the client's last one. For one task
    /// at a time.
    ///
    /// - Throws: `CANCELLED` or `DEADLINE_EXCEEDED` when nobody waits any more, `INVALID_ARGUMENT` for bytes that are no
    ///   message of this method.
    public func next() async throws(LensError) -> Message? {
        control.pause()
        defer { control.resume() }
        guard let bytes = try await queue.next() else { return nil }
        return try coding.decode(bytes)
    }
}
