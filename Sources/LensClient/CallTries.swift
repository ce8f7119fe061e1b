internal import LensCore
internal import LensWire
internal import Synchronization

/// The tries of one call: what each is sent with, and how long to wait before the next. It never waits itself.
final class CallTries: Sendable {
    /// A busy daemon is asked again for so long where the call may take any time.
    private static let longestBusyTime = Duration.seconds(60)
    /// What ends a daemon so often may be the call itself.
    private static let mostLosses = 8

    private struct State {
        var beganAt = ContinuousClock.now
        /// Of the failures in a row: how many, and since when.
        var failures = 0
        var failingSince = ContinuousClock.now
        var losses = 0
    }

    /// The same for every try.
    let requestID: [UInt8]
    private let policy: RetryPolicy?
    private let safety: RetrySafety
    private let timeout: Duration?
    private let startedAt = ContinuousClock.now
    private let state = Mutex(State())

    /// - Parameter policy: `nil` tries once.
    init(policy: RetryPolicy?, safety: RetrySafety, options: CallOptions) {
        self.policy = policy
        self.safety = safety
        timeout = options.timeout
        let isMade = options.requestID.isEmpty && safety == .byRequestID
        requestID = isMade ? (0..<16).map { _ in .random(in: 0...255) } : options.requestID
    }

    /// A try begins.
    ///
    /// - Returns: what is left of the call's timeout; `nil` where it has none of its own.
    func begin() -> Duration? {
        let now = ContinuousClock.now
        let isFirst = state.withLock { state in
            state.beganAt = now
            return state.failures == 0
        }
        return isFirst ? timeout : timeout.map { max(.milliseconds(1), $0 - (now - startedAt)) }
    }

    /// How long to wait before the next try.
    ///
    /// - Parameter wasSent: false where the daemon cannot have heard of the call.
    /// - Throws: the error, with what there is to say of it, where there is to be no next try.
    func delay(after error: LensError, wasSent: Bool) throws(LensError) -> Duration {
        guard let policy, error.code == .unavailable || (error.code == .resourceExhausted && error.retryAfter != nil)
        else { throw error }
        let isLoss = error.code == .unavailable
        guard !wasSent || safety != .never else {
            throw isLoss ? error.saying("it may have been carried out, so it was not tried again") : error
        }
        let now = ContinuousClock.now
        let (failures, since, losses) = state.withLock { state in
            // The daemon was there all the while: another failure, not more of the same.
            if state.failures == 0 || (wasSent && now - state.beganAt > policy.patience) {
                (state.failures, state.failingSince) = (0, now)
            }
            state.failures += 1
            if wasSent, isLoss { state.losses += 1 }
            return (state.failures, state.failingSince, state.losses)
        }
        guard losses < Self.mostLosses else { throw error.saying("\(losses) times during this call") }
        let delay = max(error.retryAfter ?? .zero, policy.delay(after: failures))
        let end = startedAt + (timeout ?? Self.longestBusyTime)
        let giveUpAt = !isLoss ? end : timeout == nil ? since + policy.patience : min(end, since + policy.patience)
        guard now + delay <= giveUpAt else {
            guard failures > 1 else { throw error }
            throw error.saying("tried \(failures) times in \((now - since).wholeMilliseconds) ms")
        }
        policy.onWait(error)
        return delay
    }
}

extension LensError {
    fileprivate func saying(_ more: String) -> LensError {
        LensError(code, "\(message); \(more)", retryAfter: retryAfter, cause: cause)
    }
}
