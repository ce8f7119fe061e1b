/// The one error of a call, from the kernel up to the client that made it.
///
/// The message is for the person who asked: what was expected and what came. The cause is for the log only.
public struct LensError: Error, Sendable {
    public let code: StatusCode
    public let message: String
    /// With `RESOURCE_EXHAUSTED` and `UNAVAILABLE`: after how long trying again can help; `nil` says nothing about that.
    public let retryAfter: Duration?
    public let cause: (any Error)?

    public init(_ code: StatusCode, _ message: String, retryAfter: Duration? = nil, cause: (any Error)? = nil) {
        self.code = code
        self.message = message
        self.retryAfter = retryAfter
        self.cause = cause
    }

    public static func invalidArgument(_ message: String) -> LensError { LensError(.invalidArgument, message) }
    public static func notFound(_ message: String) -> LensError { LensError(.notFound, message) }
    public static func resourceExhausted(_ message: String, retryAfter: Duration? = nil) -> LensError {
        LensError(.resourceExhausted, message, retryAfter: retryAfter)
    }
    public static func unimplemented(_ message: String) -> LensError { LensError(.unimplemented, message) }
    public static func dataLoss(_ message: String) -> LensError { LensError(.dataLoss, message) }

    /// A value outside its range: names the field, the value and the range.
    public static func outOfRange(_ field: String, _ value: some BinaryInteger, _ range: Range<Int>) -> LensError {
        range.isEmpty
            ? invalidArgument("\(field) is \(value), but there is none to choose from")
            : invalidArgument("\(field) must be in \(range.lowerBound)...\(range.upperBound - 1); received \(value)")
    }
}

extension LensError: CustomStringConvertible {
    public var description: String {
        cause.map { "\(code.name): \(message) (cause: \($0))" } ?? "\(code.name): \(message)"
    }
}

extension LensError: Equatable {
    /// Two errors are equal when a client could not tell them apart.
    public static func == (left: LensError, right: LensError) -> Bool {
        left.code == right.code && left.message == right.message && left.retryAfter == right.retryAfter
    }
}
