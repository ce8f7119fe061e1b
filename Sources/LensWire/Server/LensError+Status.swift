internal import LensCore
internal import Logging

extension LensError {
    /// What the client is told of the error that ended its call. The one place where errors become statuses, by type.
    ///
    /// - Parameters:
    ///   - control: says why work was given up: cancelled or late.
    ///   - name: what to look for in the log where that says more.
    init(ending error: any Error, control: CallControl, name: CallName) {
        switch error {
        case let error as LensError where error.code != .cancelled:
            self = error
        case is LensError, is CancellationError:
            self = control.reason ?? .cancelled
        default:
            self.init(.internal, "an internal error; the daemon's log says more under request=\(name)", cause: error)
        }
    }
}

extension Status {
    private static let longestMessage = 4 << 10

    /// The status of an ended call; long messages are cut by their bytes, so that they fit any frame.
    init(_ error: LensError) {
        let text = error.message
        let isLong = text.utf8.count > Self.longestMessage
        self.init(
            error.code,
            isLong ? String(decoding: text.utf8.prefix(Self.longestMessage - 8), as: UTF8.self) + "…" : text,
            retryAfter: error.retryAfter)
    }
}

extension Logger {
    /// One line per call: who, what, how it ended, how long it took and how much of that it waited. Nothing that a user
    /// typed.
    func callEnded(_ call: EndedCall) {
        info(
            "call",
            metadata: [
                "request": "\(call.name)", "method": "\(call.method)", "status": "\(call.status.name)",
                "ms": .stringConvertible(call.duration.milliseconds),
                "wait_ms": .stringConvertible(call.queueWait.milliseconds),
            ])
    }

    /// Logs how a call failed. Messages for the client may hold what a user typed and are left out.
    func callFailed(_ error: LensError) {
        switch error.code {
        case .internal, .dataLoss, .unknown:
            let cause = error.cause.map { String(describing: $0) } ?? error.message
            self.error("call failed", metadata: ["status": "\(error.code.name)", "cause": "\(cause)"])
        default:
            self.debug("call failed", metadata: ["status": "\(error.code.name)"])
        }
    }
}

extension Duration {
    /// With one decimal.
    fileprivate var milliseconds: Double { (self / .milliseconds(1) * 10).rounded() / 10 }
}
