public import LensCore
internal import Synchronization

/// Who uses how much of what the daemon's connections share, and how much that may be.
public final class UsageLedger: Sendable {
    fileprivate struct Usage {
        var connections = 0
        var calls = 0
        var bytes = 0

        var isNothing: Bool { connections == 0 && calls == 0 && bytes == 0 }

        static func + (left: Self, right: Self) -> Self {
            Self(
                connections: left.connections + right.connections, calls: left.calls + right.calls,
                bytes: left.bytes + right.bytes)
        }

        static func - (left: Self, right: Self) -> Self {
            Self(
                connections: left.connections - right.connections, calls: left.calls - right.calls,
                bytes: left.bytes - right.bytes)
        }
    }

    private struct State {
        var limits: WireLimits
        var users: [UInt32: Usage] = [:]
        var all = Usage()
        var idleWaiters: [CheckedContinuation<Void, Never>] = []
    }

    /// When it may pay to try again what the limits refused: most calls are done by then.
    static let pause = Duration.milliseconds(100)

    private let state: Mutex<State>

    public init(limits: WireLimits = WireLimits()) {
        state = Mutex(State(limits: limits))
    }

    /// What is allowed from now on; nobody loses what he has.
    public var limits: WireLimits {
        get { state.withLock { $0.limits } }
        set { state.withLock { $0.limits = newValue } }
    }

    /// How many clients are connected.
    public var connectionCount: Int { state.withLock { $0.all.connections } }

    /// The connections and calls of one user.
    public func amounts(of userID: UInt32) -> SharedAmounts {
        state.withLock { SharedAmounts($0.users[userID] ?? Usage()) }
    }

    /// The connections and calls of everybody who has any, by uid.
    public var amounts: [UInt32: SharedAmounts] {
        state.withLock { $0.users.mapValues { SharedAmounts($0) } }
    }

    /// - Throws: `RESOURCE_EXHAUSTED`.
    func openConnection(of peer: Peer) throws(LensError) {
        try add(Usage(connections: 1), of: peer)
    }

    func closeConnection(of peer: Peer) {
        remove(Usage(connections: 1), of: peer)
    }

    /// - Throws: `RESOURCE_EXHAUSTED`.
    func startCall(of peer: Peer, requestBytes: Int) throws(LensError) {
        try add(Usage(calls: 1, bytes: requestBytes), of: peer)
    }

    func endCall(of peer: Peer, requestBytes: Int) {
        remove(Usage(calls: 1, bytes: requestBytes), of: peer)
    }

    /// - Throws: `RESOURCE_EXHAUSTED`.
    func buffer(bytes: Int, of peer: Peer) throws(LensError) {
        try add(Usage(bytes: bytes), of: peer)
    }

    func release(bytes: Int, of peer: Peer) {
        remove(Usage(bytes: bytes), of: peer)
    }

    /// Returns when no call runs any more, or when waiting is ended.
    func callsToEnd() async {
        await withCheckedContinuation { continuation in
            let isIdle = state.withLock { state in
                if state.all.calls > 0 { state.idleWaiters.append(continuation) }
                return state.all.calls == 0
            }
            if isIdle { continuation.resume() }
        }
    }

    /// Ends all waiting for calls.
    func endWaiting() {
        let waiters = state.withLock { state in
            defer { state.idleWaiters = [] }
            return state.idleWaiters
        }
        for waiter in waiters { waiter.resume() }
    }

    private func add(_ more: Usage, of peer: Peer) throws(LensError) {
        let refusal: LensError? = state.withLock { state in
            let limits = state.limits
            let user = state.users[peer.userID] ?? Usage()
            let rows: [(what: String, more: Int, user: Int, userLimit: Int, all: Int, limit: Int)] = [
                (
                    "connections", more.connections, user.connections, limits.connectionsPerUser,
                    state.all.connections, limits.connections
                ),
                ("calls in flight", more.calls, user.calls, limits.callsPerUser, state.all.calls, limits.calls),
                (
                    "buffered bytes", more.bytes, user.bytes, limits.bufferedBytesPerUser, state.all.bytes,
                    limits.bufferedBytes
                ),
            ]
            for row in rows where row.more > 0 {
                if row.user + row.more > row.userLimit {
                    return .resourceExhausted(
                        "a user may have \(row.userLimit) \(row.what) and has \(row.user); try later",
                        retryAfter: Self.pause)
                }
                if row.all + row.more > row.limit {
                    return .resourceExhausted(
                        "the daemon's \(row.limit) \(row.what) are taken; try later", retryAfter: Self.pause)
                }
            }
            state.users[peer.userID] = user + more
            state.all = state.all + more
            return nil
        }
        if let refusal { throw refusal }
    }

    private func remove(_ less: Usage, of peer: Peer) {
        let waiters = state.withLock { state in
            let user = (state.users[peer.userID] ?? Usage()) - less
            state.users[peer.userID] = user.isNothing ? nil : user
            state.all = state.all - less
            guard state.all.calls == 0, !state.idleWaiters.isEmpty else {
                return [CheckedContinuation<Void, Never>]()
            }
            defer { state.idleWaiters = [] }
            return state.idleWaiters
        }
        for waiter in waiters { waiter.resume() }
    }
}

extension SharedAmounts {
    fileprivate init(_ usage: UsageLedger.Usage) {
        self.init(connections: usage.connections, callsInFlight: usage.calls)
    }
}
