internal import LensCore
internal import LensWire
internal import Synchronization

/// One call that waits for its replies: filled by the thread that reads, emptied by the task that called.
final class PendingCall: Sendable {
    /// What ``next()`` found.
    enum Arrival: Sendable {
        case message([UInt8])
        /// The end; `nil` is success.
        case end(LensError?)
    }

    private struct State {
        var messages: [[UInt8]] = []
        /// Messages before this one were taken.
        var first = 0
        var end: Arrival?
        var waiter: CheckedContinuation<Arrival, Never>?
        /// The waiter wants no message before the end has come.
        var waitsForEnd = false
    }

    private let state = Mutex(State())

    func deliver(_ message: [UInt8]) {
        let wake = state.withLock { state -> (CheckedContinuation<Arrival, Never>, Arrival)? in
            guard state.end == nil else { return nil }
            if let waiter = state.waiter, !state.waitsForEnd {
                state.waiter = nil
                return (waiter, .message(message))
            }
            state.messages.append(message)
            return nil
        }
        if let (waiter, arrival) = wake { waiter.resume(returning: arrival) }
    }

    /// Ends the call; the first end stays.
    func end(_ error: LensError?) {
        let wake = state.withLock { state -> (CheckedContinuation<Arrival, Never>, Arrival)? in
            guard state.end == nil else { return nil }
            state.end = .end(error)
            guard let waiter = state.waiter else { return nil }
            state.waiter = nil
            return (waiter, Self.take(&state) ?? .end(error))
        }
        if let (waiter, arrival) = wake { waiter.resume(returning: arrival) }
    }

    /// Waits for a message or the end. One task at a time.
    func next() async -> Arrival {
        await wait(forEnd: false)
    }

    /// Waits until the call has ended, and then for its first message or its end. One task at a time.
    func nextOfWhole() async -> Arrival {
        await wait(forEnd: true)
    }

    private func wait(forEnd: Bool) async -> Arrival {
        await withCheckedContinuation { continuation in
            let arrival = state.withLock { state -> Arrival? in
                if !forEnd || state.end != nil, let arrival = Self.take(&state) { return arrival }
                state.waiter = continuation
                state.waitsForEnd = forEnd
                return nil
            }
            if let arrival { continuation.resume(returning: arrival) }
        }
    }

    private static func take(_ state: inout State) -> Arrival? {
        guard state.first < state.messages.count else { return state.end }
        defer {
            state.messages[state.first] = []
            state.first += 1
            if state.first == state.messages.count {
                state.messages.removeAll(keepingCapacity: true)
                state.first = 0
            }
        }
        return .message(state.messages[state.first])
    }
}
