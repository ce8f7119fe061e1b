internal import CLensMessages
internal import LensCore

// frame.proto.

extension Coding where Value == ClientFrame {
    package static var clientFrame: Self {
        Self(CClientFrame.self) { (message) throws(LensError) in
            ClientFrame(callID: message.call_id, try ClientFrame.Body(message))
        } write: { (value, message, arena) throws(LensError) in
            message.call_id = value.callID
            try value.body.write(to: &message, arena)
        }
    }
}

extension ClientFrame.Body {
    fileprivate init(_ message: CClientFrame) throws(LensError) {
        switch message.body_case {
        case LENS__V1__CLIENT_FRAME__BODY_HELLO:
            self = try required(message.hello, "hello") { (hello: CClientHello) throws(LensError) in
                .hello(
                    ClientHello(
                        protocolVersions: array(hello.n_protocol_versions, hello.protocol_versions),
                        client: try hello.client.text("client")))
            }
        case LENS__V1__CLIENT_FRAME__BODY_START:
            self = try required(message.start, "start") { (start: CStartCall) in
                .start(
                    StartCall(
                        method: start.method.array, request: start.request.array,
                        deadlineMilliseconds: start.deadline_ms, window: start.window,
                        requestID: start.request_id.array))
            }
        case LENS__V1__CLIENT_FRAME__BODY_MESSAGE: self = .message(message.message.array)
        case LENS__V1__CLIENT_FRAME__BODY_END_STREAM: self = .endStream
        case LENS__V1__CLIENT_FRAME__BODY_CANCEL: self = .cancel
        case LENS__V1__CLIENT_FRAME__BODY_CREDIT:
            self = .credit(try required(message.credit, "credit") { (credit: CCredit) in credit.bytes })
        case LENS__V1__CLIENT_FRAME__BODY_PING: self = .ping
        default:
            throw LensError(
                .invalidArgument, "a client's frame has a body; received none that this version knows",
                cause: MalformedMessage())
        }
    }

    fileprivate func write(to message: inout CClientFrame, _ arena: MessageArena) throws(LensError) {
        switch self {
        case .hello(let hello):
            message.body_case = LENS__V1__CLIENT_FRAME__BODY_HELLO
            message.hello = try arena.message { (item: inout CClientHello) in
                (item.n_protocol_versions, item.protocol_versions) = arena.array(hello.protocolVersions)
                item.client = arena.bytes(hello.client)
            }
        case .start(let start):
            message.body_case = LENS__V1__CLIENT_FRAME__BODY_START
            message.start = try arena.message { (item: inout CStartCall) in
                item.method = arena.bytes(start.method)
                item.request = arena.bytes(start.request)
                item.deadline_ms = start.deadlineMilliseconds
                item.window = start.window
                item.request_id = arena.bytes(start.requestID)
            }
        case .message(let bytes):
            message.body_case = LENS__V1__CLIENT_FRAME__BODY_MESSAGE
            message.message = arena.bytes(bytes)
        case .endStream:
            message.body_case = LENS__V1__CLIENT_FRAME__BODY_END_STREAM
            message.end_stream = try arena.message { (_: inout CEndStream) in }
        case .cancel:
            message.body_case = LENS__V1__CLIENT_FRAME__BODY_CANCEL
            message.cancel = try arena.message { (_: inout CCancelCall) in }
        case .credit(let bytes):
            message.body_case = LENS__V1__CLIENT_FRAME__BODY_CREDIT
            message.credit = try arena.message { (item: inout CCredit) in item.bytes = bytes }
        case .ping:
            message.body_case = LENS__V1__CLIENT_FRAME__BODY_PING
            message.ping = try arena.message { (_: inout CPing) in }
        }
    }
}

extension Coding where Value == ServerFrame {
    package static var serverFrame: Self {
        Self(CServerFrame.self) { (message) throws(LensError) in
            ServerFrame(callID: message.call_id, try ServerFrame.Body(message))
        } write: { (value, message, arena) throws(LensError) in
            message.call_id = value.callID
            try value.body.write(to: &message, arena)
        }
    }
}

extension ServerFrame.Body {
    fileprivate init(_ message: CServerFrame) throws(LensError) {
        switch message.body_case {
        case LENS__V1__SERVER_FRAME__BODY_HELLO:
            self = try required(message.hello, "hello") { (hello: CServerHello) throws(LensError) in
                .hello(
                    ServerHello(
                        protocolVersion: hello.protocol_version, server: try hello.server.text("server"),
                        maxRequestBytes: hello.max_request_bytes, maxReplyBytes: hello.max_reply_bytes))
            }
        case LENS__V1__SERVER_FRAME__BODY_MESSAGE: self = .message(message.message.array)
        case LENS__V1__SERVER_FRAME__BODY_STATUS:
            self = try required(message.status, "status") { (status: CStatus) throws(LensError) in
                let text = try status.message.text("status.message")
                // A code of a newer daemon is an error of a kind that this client does not know.
                let code = StatusCode(rawValue: Int(status.code)) ?? .unknown
                let hint: Duration? = status.retry_after_ms == 0 ? nil : .milliseconds(status.retry_after_ms)
                return .status(Status(code, text, retryAfter: hint))
            }
        case LENS__V1__SERVER_FRAME__BODY_HEARTBEAT: self = .heartbeat
        case LENS__V1__SERVER_FRAME__BODY_CREDIT:
            self = .credit(try required(message.credit, "credit") { (credit: CCredit) in credit.bytes })
        case LENS__V1__SERVER_FRAME__BODY_PONG: self = .pong
        default:
            throw LensError(
                .invalidArgument, "a daemon's frame has a body; received none that this version knows",
                cause: MalformedMessage())
        }
    }

    fileprivate func write(to message: inout CServerFrame, _ arena: MessageArena) throws(LensError) {
        switch self {
        case .hello(let hello):
            message.body_case = LENS__V1__SERVER_FRAME__BODY_HELLO
            message.hello = try arena.message { (item: inout CServerHello) in
                item.protocol_version = hello.protocolVersion
                item.server = arena.bytes(hello.server)
                item.max_request_bytes = hello.maxRequestBytes
                item.max_reply_bytes = hello.maxReplyBytes
            }
        case .message(let bytes):
            message.body_case = LENS__V1__SERVER_FRAME__BODY_MESSAGE
            message.message = arena.bytes(bytes)
        case .status(let status):
            message.body_case = LENS__V1__SERVER_FRAME__BODY_STATUS
            message.status = try arena.message { (item: inout CStatus) in
                item.code = UInt32(truncatingIfNeeded: status.code.rawValue)
                item.message = arena.bytes(status.message)
                item.retry_after_ms = status.retryAfter.map { UInt32(clamping: max(1, $0.wholeMilliseconds)) } ?? 0
            }
        case .heartbeat:
            message.body_case = LENS__V1__SERVER_FRAME__BODY_HEARTBEAT
            message.heartbeat = try arena.message { (_: inout CHeartbeat) in }
        case .credit(let bytes):
            message.body_case = LENS__V1__SERVER_FRAME__BODY_CREDIT
            message.credit = try arena.message { (item: inout CCredit) in item.bytes = bytes }
        case .pong:
            message.body_case = LENS__V1__SERVER_FRAME__BODY_PONG
            message.pong = try arena.message { (_: inout CPong) in }
        }
    }
}
