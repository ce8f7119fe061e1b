internal import LensCore
internal import LensReport
internal import NIOHTTP1

/// A whole request that was let in.
struct HTTPCall: Sendable {
    let route: RequestGuard.Route
    let body: [UInt8]
}

/// A whole answer.
struct HTTPReply: Sendable {
    var status: HTTPResponseStatus
    var type: String
    var body: [UInt8]
    /// Beside those that every answer has.
    var headers: [(String, String)] = []

    static func json(_ text: String, status: HTTPResponseStatus = .ok) -> HTTPReply {
        HTTPReply(status: status, type: "application/json", body: Array(text.utf8))
    }

    static func text(_ text: String, status: HTTPResponseStatus) -> HTTPReply {
        HTTPReply(status: status, type: "text/plain; charset=utf-8", body: Array((text + "\n").utf8))
    }

    /// As the page reads it; `asText` for a person who sees the answer itself.
    static func refusal(_ refusal: Refusal, asText: Bool) -> HTTPReply {
        var reply: HTTPReply =
            asText
            ? .text(refusal.message, status: refusal.status)
            : .json(ScriptJSON.error(LensError(refusal.code, refusal.message)).text, status: refusal.status)
        if let allow = refusal.allow { reply.headers.append(("Allow", allow)) }
        return reply
    }

    static func error(_ error: LensError) -> HTTPReply {
        .json(ScriptJSON.error(error).text, status: HTTPResponseStatus(error.code))
    }
}

extension HTTPResponseStatus {
    /// gRPC's codes as HTTP has them (google.rpc.Code).
    init(_ code: StatusCode) {
        self =
            switch code {
            case .ok: .ok
            case .invalidArgument, .outOfRange: .badRequest
            case .unauthenticated: .unauthorized
            case .permissionDenied: .forbidden
            case .notFound: .notFound
            case .alreadyExists, .aborted, .failedPrecondition: .conflict
            case .resourceExhausted: .tooManyRequests
            case .cancelled: .custom(code: 499, reasonPhrase: "Cancelled")
            case .unimplemented: .notImplemented
            case .unavailable: .serviceUnavailable
            case .deadlineExceeded: .gatewayTimeout
            case .internal, .unknown, .dataLoss: .internalServerError
            }
    }
}

extension ScriptJSON {
    /// `{"error":{"code":…,"message":…}}`
    static func error(_ error: LensError) -> ScriptJSON {
        var members: [(String, ScriptJSON)] = [
            ("code", .string(error.code.name)), ("message", .string(error.message)),
        ]
        if let wait = error.retryAfter {
            members.append(("retry_after_seconds", .number(Double(wait.wholeMilliseconds) / 1000)))
        }
        return .object([("error", .object(members))])
    }
}
