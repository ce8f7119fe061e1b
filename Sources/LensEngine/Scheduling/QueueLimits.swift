import LensCore

/// How much may wait for the pass thread.
package struct QueueLimits: Sendable {
    /// What is predicted to take no longer is urgent, in seconds.
    package static let urgentSeconds = 0.1

    /// Pieces of work of all users together.
    package var waiting: Int
    package var waitingPerUser: Int

    package init(waiting: Int, waitingPerUser: Int) {
        self.waiting = waiting
        self.waitingPerUser = waitingPerUser
    }

    /// - Parameters:
    ///   - count: what he has waiting.
    ///   - seconds: when there is probably room again.
    func refusal(ofUserWith count: Int, retryAfter seconds: Double) -> LensError {
        Self.refusal(
            "a user may have \(waitingPerUser) passes and sweeps waiting and you have \(count)", retryAfter: seconds)
    }

    func refusal(retryAfter seconds: Double) -> LensError {
        Self.refusal(
            "the daemon's \(waiting) places for passes and sweeps that wait are taken", retryAfter: seconds)
    }

    private static func refusal(_ what: String, retryAfter seconds: Double) -> LensError {
        let seconds = Int(min(max(seconds, 1), 3600).rounded(.up))
        return .resourceExhausted("\(what); retry in about \(seconds) s", retryAfter: .seconds(seconds))
    }
}

/// How fast this machine computes, as it was measured: for predictions.
struct ComputeSpeed {
    /// Floating-point operations a second; at first a guess.
    private var rate = 2e10

    /// Too little to measure by.
    private static let smallest = 1e7

    func seconds(for operations: Double) -> Double { operations / rate }

    mutating func measured(_ operations: Double, seconds: Double) {
        guard operations >= Self.smallest, seconds > 0 else { return }
        // No machine is so slow or so fast; whatever the clock says.
        rate = min(max(0.9 * rate + 0.1 * operations / seconds, 1e8), 1e15)
    }
}
