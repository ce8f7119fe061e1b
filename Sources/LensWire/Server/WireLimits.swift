public import LensCore

/// What a daemon allows its clients.
public struct WireLimits: Sendable, Hashable {
    // MARK: Time

    /// From the connection to its `Hello`.
    public var helloTimeout = Duration.seconds(2)
    /// From a frame's first byte to its last.
    public var frameTimeout = Duration.seconds(10)
    /// A connection without a call and without a frame.
    public var idleTimeout = Duration.seconds(600)
    /// A client that takes nothing of what waits for it.
    public var stallTimeout = Duration.seconds(30)
    /// A call whose handler waits for its client's next message, its clock standing still.
    public var parkTimeout = Duration.seconds(600)
    /// How long a call is silent before it shows that it is alive.
    public var heartbeatInterval = Duration.seconds(10)
    /// What a unary call may take where it does not say; `nil` is the method's own (60 s).
    public var unaryTimeout: Duration?

    // MARK: Number

    /// What each user may have at most; its connections and calls are the wire's concern, the rest is for others.
    public var quota = SharedAmounts.ordinaryQuota
    /// Of all users.
    public var connections = 512
    public var calls = 2048
    public var callsPerConnection = 64

    // MARK: Bytes

    /// Requests of calls in flight and replies not yet taken, of one user and of all.
    public var bufferedBytesPerUser = 256 << 20
    public var bufferedBytes = 1 << 30
    /// Request messages of one call that may be under way or waiting for its handler.
    public var requestWindow = WireProtocol.requestWindow
    /// Replies of one streaming call that wait for the socket before its handler does.
    public var unwrittenBytesPerCall = 2 << 20

    public init() {}

    /// With what one user may have; all of them together may have at least as much as one.
    public init(quota: SharedAmounts) {
        self.quota = quota
        connections = max(connections, quota.connections)
        calls = max(calls, quota.callsInFlight)
    }

    public var connectionsPerUser: Int {
        get { quota.connections }
        set { quota.connections = newValue }
    }

    public var callsPerUser: Int {
        get { quota.callsInFlight }
        set { quota.callsInFlight = newValue }
    }

    /// How often a connection looks at its clocks: a quarter of the shortest time, at least every second.
    var tick: Duration {
        let shortest = min(helloTimeout, frameTimeout, idleTimeout, stallTimeout, heartbeatInterval, .seconds(4))
        return max(shortest / 4, .milliseconds(2))
    }
}
