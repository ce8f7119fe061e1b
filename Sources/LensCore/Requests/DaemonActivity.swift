/// Whose activity is asked for.
public struct ActivityRequest: Sendable, Hashable {
    /// Everybody's instead of the caller's own; the administrator's.
    public var ofAll: Bool

    public init(ofAll: Bool = false) { self.ofAll = ofAll }
}

/// What a daemon is working at.
public struct DaemonActivity: Sendable, Hashable {
    /// The oldest first, as many as ``mostCalls``.
    public var calls: [CallInFlight]
    public var callsInFlight: Int
    /// Calls that have ended since the daemon's start.
    public var callsEnded: Int
    /// Those of them with another status than OK.
    public var callsFailed: Int
    /// For all users; `nil` where it was not asked for them.
    public var engine: EngineTotals?

    /// The longest list of calls that is told.
    public static let mostCalls = 200

    public init(
        calls: [CallInFlight], callsInFlight: Int, callsEnded: Int, callsFailed: Int, engine: EngineTotals? = nil
    ) {
        self.calls = calls
        self.callsInFlight = callsInFlight
        self.callsEnded = callsEnded
        self.callsFailed = callsFailed
        self.engine = engine
    }
}

/// A call that has not ended.
public struct CallInFlight: Sendable, Hashable {
    public var userID: UInt32
    /// Such as `/lens.v1.Inference/Run`.
    public var method: String
    /// Since its start.
    public var seconds: Double
    /// It waits for its turn.
    public var isQueued: Bool
    /// As the daemon's log names the call.
    public var request: String

    public init(userID: UInt32, method: String, seconds: Double, isQueued: Bool, request: String) {
        self.userID = userID
        self.method = method
        self.seconds = seconds
        self.isQueued = isQueued
        self.request = request
    }
}

/// What an engine has done since its start.
public struct EngineTotals: Sendable, Hashable {
    /// Passes through a model.
    public var passes: Int
    /// Positions of sequences that went through.
    public var rows: Int
    /// Activations that were asked for and at hand.
    public var cacheHits: Int
    /// Activations that were asked for and had to be computed.
    public var cacheMisses: Int

    public init(passes: Int = 0, rows: Int = 0, cacheHits: Int = 0, cacheMisses: Int = 0) {
        self.passes = passes
        self.rows = rows
        self.cacheHits = cacheHits
        self.cacheMisses = cacheMisses
    }
}
