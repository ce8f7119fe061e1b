/// Amounts of what a daemon's users share: what one of them has, or what he may have at most.
public struct SharedAmounts: Sendable, Hashable {
    public var connections: Int
    public var callsInFlight: Int
    /// Passes, sweeps and the like that wait for their turn.
    public var queuedJobs: Int
    public var sessions: Int
    /// Of recorded runs, in the store.
    public var storedBytes: Int
    /// Of activations kept at hand because this user asked for them.
    public var cachedBytes: Int

    public init(
        connections: Int = 0, callsInFlight: Int = 0, queuedJobs: Int = 0, sessions: Int = 0, storedBytes: Int = 0,
        cachedBytes: Int = 0
    ) {
        self.connections = connections
        self.callsInFlight = callsInFlight
        self.queuedJobs = queuedJobs
        self.sessions = sessions
        self.storedBytes = storedBytes
        self.cachedBytes = cachedBytes
    }
}

extension SharedAmounts {
    /// What each user may have where the configuration says nothing.
    public static let ordinaryQuota = SharedAmounts(
        connections: 64, callsInFlight: 512, queuedJobs: 1024, sessions: 1000, storedBytes: 1 << 30,
        cachedBytes: 256 << 20)
}

extension SharedAmounts {
    public static func + (left: Self, right: Self) -> Self {
        Self(
            connections: left.connections + right.connections,
            callsInFlight: left.callsInFlight + right.callsInFlight, queuedJobs: left.queuedJobs + right.queuedJobs,
            sessions: left.sessions + right.sessions, storedBytes: left.storedBytes + right.storedBytes,
            cachedBytes: left.cachedBytes + right.cachedBytes)
    }
}
