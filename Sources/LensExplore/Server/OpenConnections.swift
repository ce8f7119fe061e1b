internal import LensCore
internal import NIOCore
internal import Synchronization

/// The open connections of a server: counted, and closed with it.
final class OpenConnections: Sendable {
    private struct State {
        var own: [ObjectIdentifier: any Channel] = [:]
        var foreign: [ObjectIdentifier: any Channel] = [:]
        var isClosed = false
    }

    let limits: ServerLimits
    private let state = Mutex(State())

    init(_ limits: ServerLimits) {
        self.limits = limits
    }

    /// Takes a connection in until it ends.
    ///
    /// - Parameter isForeign: it is another user's; these are counted apart, so that they take nobody's place.
    /// - Throws: where there are too many of its kind; it is to be closed then.
    func add(_ channel: any Channel, isForeign: Bool) throws(LensError) {
        let place: WritableKeyPath<State, [ObjectIdentifier: any Channel]> & Sendable =
            isForeign ? \.foreign : \.own
        let key = ObjectIdentifier(channel)
        let limit = isForeign ? limits.foreignConnections : limits.connections
        let isTaken = state.withLock { state in
            guard !state.isClosed, state[keyPath: place].count < limit else { return false }
            state[keyPath: place][key] = channel
            return true
        }
        guard isTaken else { throw .resourceExhausted("there are \(limit) connections already") }
        channel.closeFuture.whenComplete { [self] _ in
            state.withLock { $0[keyPath: place][key] = nil }
        }
    }

    func closeAll() {
        let all = state.withLock { state in
            state.isClosed = true
            return Array(state.own.values) + Array(state.foreign.values)
        }
        for channel in all { channel.close(promise: nil) }
    }
}
