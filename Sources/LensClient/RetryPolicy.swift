public import LensCore

/// How a client tries again what failed because its daemon went away, restarts or is busy.
///
/// While no daemon answers it tries for ``patience``; a daemon that is busy and says when to come back is asked again
/// for as long as the call may take. Only what is safe is tried again, as the method's `RetrySafety` says.
public struct RetryPolicy: Sendable {
    /// How long a daemon that went away is waited for.
    public var patience: Duration
    /// The first wait; each next one is twice as long, up to ``longestDelay``, and by chance down to half of that.
    public var firstDelay: Duration
    public var longestDelay: Duration
    /// Learns what a call waits for, each time that it does.
    public var onWait: @Sendable (LensError) -> Void

    public init(
        patience: Duration = .seconds(5), firstDelay: Duration = .milliseconds(20),
        longestDelay: Duration = .milliseconds(500), onWait: @escaping @Sendable (LensError) -> Void = { _ in }
    ) {
        self.patience = patience
        self.firstDelay = firstDelay
        self.longestDelay = longestDelay
        self.onWait = onWait
    }

    /// Seconds to wait after so many failures in a row, at least one.
    func delay(after failures: Int) -> Duration {
        let longest = min(longestDelay, firstDelay * (1 << min(failures - 1, 16)))
        return longest * Double.random(in: 0.5...1)
    }
}
