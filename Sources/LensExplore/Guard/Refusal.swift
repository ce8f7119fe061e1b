internal import LensCore
internal import NIOHTTP1

/// Why a request is not answered: before anything of it is looked at, let alone done.
struct Refusal: Error, Equatable {
    let status: HTTPResponseStatus
    let code: StatusCode
    /// For the person who sees it, and for whoever set something up that gets in the way.
    let message: String
    /// Methods that the path takes, where another one came.
    var allow: String?

    static func badRequest(_ message: String) -> Refusal {
        Refusal(status: .badRequest, code: .invalidArgument, message: message)
    }

    static func forbidden(_ message: String) -> Refusal {
        Refusal(status: .forbidden, code: .permissionDenied, message: message)
    }

    static func tooLarge(_ message: String) -> Refusal {
        Refusal(status: .payloadTooLarge, code: .resourceExhausted, message: message)
    }
}
