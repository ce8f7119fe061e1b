import Synchronization

/// Tells work that it is no longer wanted: cancelled by the client, or late.
///
/// Shared by the connection, which sets it, and by the engine's threads, which look at it without a lock.
public final class CallControl: Sendable {
    /// When the call is late; `nil` where it may take any time.
    public let deadline: ContinuousClock.Instant?
    private let state = Atomic<UInt8>(State.wanted)

    private enum State {
        static let wanted: UInt8 = 0
        static let cancelled: UInt8 = 1
        static let late: UInt8 = 2
    }

    public init(deadline: ContinuousClock.Instant? = nil) {
        self.deadline = deadline
    }

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
        if state.load(ordering: .relaxed) == State.wanted, let deadline, ContinuousClock.now >= deadline { expire() }
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

extension LensError {
    public static var cancelled: LensError { LensError(.cancelled, "the call was cancelled") }
    public static var deadlineExceeded: LensError { LensError(.deadlineExceeded, "the call's deadline has passed") }
    public static func unavailable(_ message: String) -> LensError { LensError(.unavailable, message) }
}
