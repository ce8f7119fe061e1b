import Synchronization

/// How long a call's work has waited for its turn, told by the engine and read by whoever logs the call.
public final class QueueWait: Sendable {
    private struct State {
        var total = Duration.zero
        var waitsSince: ContinuousClock.Instant?
        /// A call may have several pieces of work in the queue.
        var waiting = 0
    }

    private let state = Mutex(State())

    public init() {}

    /// One piece of work that waits, until it has its turn or is given up.
    public final class Piece: Sendable {
        private let wait: QueueWait
        private let waits = Atomic<Bool>(true)

        fileprivate init(_ wait: QueueWait) { self.wait = wait }

        deinit { leave() }

        /// It waits no longer; the first time counts.
        public func leave() {
            if waits.exchange(false, ordering: .relaxed) { wait.end() }
        }
    }

    /// A piece of the call's work begins to wait.
    public func enter() -> Piece {
        state.withLock { state in
            state.waiting += 1
            if state.waitsSince == nil { state.waitsSince = .now }
        }
        return Piece(self)
    }

    private func end() {
        state.withLock { state in
            state.waiting -= 1
            guard state.waiting == 0, let since = state.waitsSince else { return }
            state.total += since.duration(to: .now)
            state.waitsSince = nil
        }
    }

    /// Whether something of the call waits now.
    public var isWaiting: Bool { state.withLock { $0.waiting > 0 } }

    /// Time in which something of the call waited.
    public var total: Duration {
        state.withLock { state in state.total + (state.waitsSince.map { $0.duration(to: .now) } ?? .zero) }
    }
}
