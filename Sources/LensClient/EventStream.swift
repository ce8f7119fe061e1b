public import LensCore
internal import LensWire
internal import Synchronization

/// The events of one streaming call, in order; read by one task.
public struct EventStream<Event: Sendable>: AsyncSequence, Sendable {
    public typealias Element = Event
    public typealias Failure = LensError

    let source: EventSource
    let coding: Coding<Event>

    public struct AsyncIterator: AsyncIteratorProtocol {
        let source: EventSource
        let coding: Coding<Event>

        /// The next event; `nil` after the last.
        ///
        /// - Throws: the call's status where it is no success.
        public mutating func next(isolation actor: isolated (any Actor)?) async throws(LensError) -> Event? {
            guard let bytes = try await source.next() else { return nil }
            return try LensConnection.decode(coding, bytes)
        }
    }

    public func makeAsyncIterator() -> AsyncIterator {
        AsyncIterator(source: source, coding: coding)
    }
}

/// Takes a call's messages and gives the daemon credit for them.
final class EventSource: Sendable {
    private let connection: LensConnection
    private let id: UInt32
    private let pending: PendingCall
    private let window: Int
    private let taken = Atomic<Int>(0)

    init(connection: LensConnection, id: UInt32, pending: PendingCall, window: Int) {
        self.connection = connection
        self.id = id
        self.pending = pending
        self.window = window
    }

    deinit {
        // Does nothing where the call has ended.
        connection.link.cancel(id)
    }

    func next() async throws(LensError) -> [UInt8]? {
        let arrival = await withTaskCancellationHandler {
            await pending.next()
        } onCancel: {
            connection.link.cancel(id)
        }
        switch arrival {
        case .message(let bytes):
            // Room is given back in halves of the window, so that credit costs few frames and the daemon never waits
            // for a reader that keeps up.
            let sum = taken.wrappingAdd(bytes.count, ordering: .relaxed).newValue
            if sum >= window / 2 {
                taken.wrappingSubtract(sum, ordering: .relaxed)
                connection.link.grant(sum, to: id)
            }
            return bytes
        case .end(let error?): throw error
        case .end(nil): return nil
        }
    }
}
