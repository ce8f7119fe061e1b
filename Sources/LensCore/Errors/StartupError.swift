/// Why a program could not start: told on stderr, and answered with an exit status of sysexits.
public struct StartupError: Error, Sendable, Equatable {
    /// The exit statuses that lensd's programs use.
    public enum ExitStatus: Int32, Sendable {
        case failure = 1
        case usage = 64
        case badInput = 65
        case unavailable = 69
        case temporary = 75
        case notAllowed = 77
    }

    public let status: ExitStatus
    /// What was expected and what came.
    public let message: String

    public init(_ status: ExitStatus, _ message: String) {
        self.status = status
        self.message = message
    }
}

extension StartupError: CustomStringConvertible {
    public var description: String { message }
}
