public import LensCore
internal import Synchronization

/// Names a call for as long as the daemon runs: the connection's number and the call's on it.
public struct CallName: Sendable, Hashable, CustomStringConvertible {
    /// Counted from the daemon's start.
    public let connection: Int
    /// The client's `call_id`.
    public let call: UInt32

    public init(connection: Int, call: UInt32) {
        self.connection = connection
        self.call = call
    }

    /// Such as `12.3`, as the log has it.
    public var description: String { "\(connection).\(call)" }
}

/// How a call ended.
public struct EndedCall: Sendable {
    public let name: CallName
    public let userID: UInt32
    /// Such as `/lens.v1.Inference/Run`; `unknown` for what no daemon answers.
    public let method: String
    public let status: StatusCode
    /// From the frame that started it until its handler had returned.
    public let duration: Duration
    /// The part of it in which it waited for its turn.
    public let queueWait: Duration
}

/// The calls of a server: which are in flight, and how many have ended.
public final class CallJournal: Sendable {
    private struct Entry {
        let userID: UInt32
        let method: String
        let startedAt: ContinuousClock.Instant
        let queueWait: QueueWait
    }

    private struct Totals {
        var ended = 0
        var failed = 0
    }

    private struct State {
        var inFlight: [CallName: Entry] = [:]
        var totals: [UInt32: Totals] = [:]

        mutating func count(_ status: StatusCode, of userID: UInt32) {
            totals[userID, default: Totals()].ended += 1
            if status != .ok { totals[userID, default: Totals()].failed += 1 }
        }
    }

    private let state = Mutex(State())
    private let onEnd: @Sendable (EndedCall) -> Void

    /// - Parameter onEnd: learns of every call, those that were refused among them, from any thread.
    public init(onEnd: @escaping @Sendable (EndedCall) -> Void = { _ in }) {
        self.onEnd = onEnd
    }

    func begin(_ name: CallName, userID: UInt32, method: String, queueWait: QueueWait) {
        let entry = Entry(userID: userID, method: method, startedAt: .now, queueWait: queueWait)
        state.withLock { $0.inFlight[name] = entry }
    }

    /// Ends a call that was begun.
    func end(_ name: CallName, _ status: StatusCode) -> EndedCall? {
        let ended = state.withLock { state -> EndedCall? in
            guard let entry = state.inFlight.removeValue(forKey: name) else { return nil }
            state.count(status, of: entry.userID)
            return EndedCall(
                name: name, userID: entry.userID, method: entry.method, status: status,
                duration: entry.startedAt.duration(to: .now), queueWait: entry.queueWait.total)
        }
        if let ended { onEnd(ended) }
        return ended
    }

    /// Counts a call that was never begun.
    func refuse(_ name: CallName, userID: UInt32, method: String?, _ status: StatusCode) -> EndedCall {
        state.withLock { $0.count(status, of: userID) }
        let ended = EndedCall(
            name: name, userID: userID, method: method ?? "unknown", status: status, duration: .zero, queueWait: .zero)
        onEnd(ended)
        return ended
    }

    /// What is in flight and what has ended, of one user or, for `nil`, of all.
    public func activity(of userID: UInt32?) -> DaemonActivity {
        let now = ContinuousClock.now
        return state.withLock { state in
            let calls = state.inFlight.filter { userID == nil || $0.value.userID == userID }
                .sorted { $0.value.startedAt < $1.value.startedAt }
            let totals = userID.map { state.totals[$0].map { [$0] } ?? [] } ?? Array(state.totals.values)
            return DaemonActivity(
                calls: calls.prefix(DaemonActivity.mostCalls).map { name, entry in
                    CallInFlight(
                        userID: entry.userID, method: entry.method,
                        seconds: entry.startedAt.duration(to: now) / Duration.seconds(1),
                        isQueued: entry.queueWait.isWaiting, request: "\(name)")
                },
                callsInFlight: calls.count, callsEnded: totals.reduce(0) { $0 + $1.ended },
                callsFailed: totals.reduce(0) { $0 + $1.failed })
        }
    }
}
