/// What the pass thread has done since the start; numbers only grow.
public struct PassCounters: Sendable, Hashable {
    /// Pieces of work that were finished: runs, sweeps, legs of a pass with functions in it.
    public var passes = 0
    /// Tokens that went through the model in them.
    public var rows = 0
    /// Turns of the thread.
    public var steps = 0
    /// Runs that went through the model together with others.
    public var batched = 0
    /// Calls that got what was being computed for another.
    public var joined = 0
    /// Calls that found the queue full.
    public var refused = 0

    /// How many pieces of work waited at most so long before their first step: one number per bound of
    /// ``waitBounds``, each with those of the bounds before it.
    public var waits = [Int](repeating: 0, count: waitBounds.count)
    public var waitCount = 0
    public var waitSeconds = 0.0

    /// In seconds.
    public static let waitBounds = [0.001, 0.005, 0.02, 0.05, 0.1, 0.5, 2, 10, 60]

    public init() {}

    mutating func waited(_ time: Duration) {
        let seconds = max(time / Duration.seconds(1), 0)
        waitCount += 1
        waitSeconds += seconds
        for (index, bound) in Self.waitBounds.enumerated() where seconds <= bound { waits[index] += 1 }
    }
}
