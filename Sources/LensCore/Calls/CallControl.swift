import Synchronization

/// Tells work that it is no longer wanted: cancelled by the client, or late.
///
/// Shared by the connection, which sets it, and by the engine's threads, which look at it as they work: at a flag, and
/// where the call has a deadline at a clock, which stands still while the call waits for its own client.
public final class CallControl: Sendable {
    private let state = Atomic<UInt8>(State.wanted)
    private let hasDeadline: Bool
    private let clock: Mutex<Clock>
    /// The calls that this work is done for; `nil` where it is a call's own.
    private let calls: Mutex<[CallControl]?>
    /// How long the call's work waits for its turn.
    public let queueWait = QueueWait()

    private enum State {
        static let wanted: UInt8 = 0
        static let cancelled: UInt8 = 1
        static let late: UInt8 = 2
    }

    private struct Clock {
        var deadline: ContinuousClock.Instant?
        var pauses = 0
        /// When the first of the pauses began.
        var pausedSince: ContinuousClock.Instant?

        /// The deadline as it would be if the clock went on now.
        func deadline(at now: ContinuousClock.Instant) -> ContinuousClock.Instant? {
            guard let deadline, let pausedSince else { return deadline }
            return deadline + (now - pausedSince)
        }
    }

    public init(deadline: ContinuousClock.Instant? = nil) {
        hasDeadline = deadline != nil
        clock = Mutex(Clock(deadline: deadline))
        calls = Mutex(nil)
    }

    /// Work that is done for several calls: it is wanted as long as one of them is.
    public init(for calls: [CallControl]) {
        hasDeadline = false
        clock = Mutex(Clock())
        self.calls = Mutex(calls)
    }

    /// Another call wants the same work.
    public func join(_ call: CallControl) { calls.withLock { $0?.append(call) } }

    /// When the call is late, as it looks now; `nil` where it may take any time.
    public var deadline: ContinuousClock.Instant? { clock.withLock { $0.deadline(at: .now) } }

    /// Whether the work is no longer wanted, for either reason; one atomic load.
    public var isCancelled: Bool { state.load(ordering: .relaxed) != State.wanted }

    /// Marks the work as cancelled; the first reason stays.
    public func cancel() {
        _ = state.compareExchange(expected: State.wanted, desired: State.cancelled, ordering: .relaxed)
    }

    /// Marks the work as late; the first reason stays.
    public func expire() {
        _ = state.compareExchange(expected: State.wanted, desired: State.late, ordering: .relaxed)
    }

    /// Why the work is no longer wanted; `nil` while it is.
    public var reason: LensError? {
        if hasDeadline, state.load(ordering: .relaxed) == State.wanted {
            let now = ContinuousClock.now
            if let deadline = clock.withLock({ $0.deadline(at: now) }), now >= deadline { expire() }
        }
        if !isCancelled, calls.withLock({ $0?.allSatisfy { $0.reason != nil } }) == true { cancel() }
        switch state.load(ordering: .relaxed) {
        case State.wanted: return nil
        case State.cancelled: return .cancelled
        default: return .deadlineExceeded
        }
    }

    /// Looks at the flag and at the clock.
    ///
    /// - Throws: `CANCELLED` or `DEADLINE_EXCEEDED`.
    public func check() throws(LensError) {
        if let reason { throw reason }
    }
}

// MARK: - Waiting for the client

extension CallControl {
    /// Since when the call waits for its client; `nil` while it does not.
    public var pausedSince: ContinuousClock.Instant? { clock.withLock { $0.pausedSince } }

    /// Stops the call's clock: from here on it waits for its client. Pauses nest; each ends with ``resume()``.
    public func pause() {
        clock.withLock { clock in
            clock.pauses += 1
            if clock.pausedSince == nil { clock.pausedSince = .now }
        }
    }

    /// Ends a pause; after the last one the deadline has moved by as long as the clock stood still.
    public func resume() {
        clock.withLock { clock in
            clock.pauses -= 1
            guard clock.pauses == 0 else { return }
            clock.deadline = clock.deadline(at: .now)
            clock.pausedSince = nil
        }
    }
}

extension LensError {
    public static var cancelled: LensError { LensError(.cancelled, "the call was cancelled") }
    public static var deadlineExceeded: LensError { LensError(.deadlineExceeded, "the call's deadline has passed") }
    public static func unavailable(_ message: String) -> LensError { LensError(.unavailable, message) }
}
