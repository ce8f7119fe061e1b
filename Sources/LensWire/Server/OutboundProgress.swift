/// Whether a connection's client takes what is written to it.
struct OutboundProgress {
    /// Small frames that may wait: a client that only sends cannot pile up answers without end.
    private static let maximumWrites = 4096

    private var writes = 0
    private var bytesQueued = 0
    private var bytesTaken = 0
    /// When the socket last took a byte, or had nothing to take.
    private(set) var lastProgress: ContinuousClock.Instant

    init(now: ContinuousClock.Instant) {
        lastProgress = now
    }

    var isEmpty: Bool { writes == 0 }
    var hasTooManyWrites: Bool { writes > Self.maximumWrites }

    mutating func queued(_ bytes: Int) {
        writes += 1
        bytesQueued &+= bytes
    }

    mutating func finished() {
        writes -= 1
    }

    /// Notes how many bytes still wait for the socket.
    mutating func look(unsent: Int, now: ContinuousClock.Instant) {
        let taken = bytesQueued &- unsent
        if unsent == 0 || taken != bytesTaken { lastProgress = now }
        bytesTaken = taken
    }
}
