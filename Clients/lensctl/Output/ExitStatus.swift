import LensCore

/// The exit codes of sysexits that lensctl uses, and the one place where a call's status becomes one.
package enum ExitStatus: Int32, Sendable {
    case good = 0
    case failure = 1
    case badUsage = 64
    case badInput = 65
    case noDaemon = 69
    /// Busy or late; trying again can help.
    case tryAgain = 75
    case notAllowed = 77
    case interrupted = 130

    package init(_ code: StatusCode) {
        self =
            switch code {
            case .ok: .good
            case .invalidArgument, .notFound, .outOfRange: .badInput
            case .unavailable: .noDaemon
            case .resourceExhausted, .deadlineExceeded, .aborted: .tryAgain
            case .permissionDenied, .unauthenticated: .notAllowed
            case .cancelled, .unknown, .alreadyExists, .failedPrecondition, .unimplemented, .internal, .dataLoss:
                .failure
            }
    }
}
