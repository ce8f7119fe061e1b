/// A method that answers one request with one reply.
public struct UnaryMethod<Request: Sendable, Reply: Sendable>: Sendable {
    /// Such as `/lens.v1.Inference/Run`.
    public let path: String
    public let request: Coding<Request>
    public let reply: Coding<Reply>
    public var retry = RetrySafety.never
}

/// A method that answers one request with a stream of events.
public struct StreamingMethod<Request: Sendable, Event: Sendable>: Sendable {
    /// Such as `/lens.v1.Inference/Query`.
    public let path: String
    public let request: Coding<Request>
    public let event: Coding<Event>
    public var retry = RetrySafety.never
}

/// A method whose requests and replies are both streams. The first request message comes with the call.
public struct BidirectionalMethod<Message: Sendable, Event: Sendable>: Sendable {
    /// Such as `/lens.v1.Inference/RunHooked`.
    public let path: String
    public let message: Coding<Message>
    public let event: Coding<Event>
    public let retry: RetrySafety

    package init(path: String, message: Coding<Message>, event: Coding<Event>, retry: RetrySafety = .never) {
        self.path = path
        self.message = message
        self.event = event
        self.retry = retry
    }
}

/// What a client may do where it cannot know whether a call was carried out: the method's `idempotency_level`.
public enum RetrySafety: Sendable, Hashable {
    /// Try again: the call only reads, or computes what is not recorded.
    case always
    /// Try again with the request id of the first try: what was recorded is not recorded again, and whatever else is
    /// done is the same when it is done twice.
    case byRequestID
    /// Tell the user.
    case never
}

/// How many messages travel each way in a call.
public enum MethodKind: Sendable, Hashable {
    case unary
    case serverStreaming
    /// Both sides stream.
    case bidirectional

    /// How long a call may take where it does not say; `nil` means any time.
    public var defaultTimeout: Duration? {
        switch self {
        case .unary: .seconds(60)
        case .serverStreaming, .bidirectional: nil
        }
    }
}
