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

/// Takes a call's messages and gives the daemon credit for them; makes the call again while none was taken.
final class EventSource: Sendable {
    private struct State {
        var call: LensConnection.StartedCall?
        /// Bytes that were taken and not given credit for yet.
        var owed = 0
        var wasTaken = false
    }

    private let connection: LensConnection
    private let path: String
    private let request: [UInt8]
    private let tries: CallTries
    private let window: UInt32
    private let state: Mutex<State>

    /// Starts the call, where the daemon is there.
    init(connection: LensConnection, path: String, request: [UInt8], tries: CallTries, window: UInt32) {
        self.connection = connection
        self.path = path
        self.request = request
        self.tries = tries
        self.window = window
        state = Mutex(State(call: try? connection.startNow(path, request, tries, window: window)))
    }

    deinit {
        state.withLock { $0.call }?.cancel()
    }

    /// Whether a message of the call was taken.
    var wasTaken: Bool { state.withLock(\.wasTaken) }

    /// The next message; `nil` after the last. One task at a time.
    func next() async throws(LensError) -> [UInt8]? {
        while true {
            let call = try await started()
            let arrival = await withTaskCancellationHandler {
                await call.pending.next()
            } onCancel: {
                call.cancel()
            }
            switch arrival {
            case .message(let bytes):
                let credit = state.withLock { state in
                    state.wasTaken = true
                    state.owed += bytes.count
                    // Room is given back in halves of the window, so that credit costs few frames and the daemon never
                    // waits for a reader that keeps up.
                    guard state.owed >= Int(window) / 2 else { return 0 }
                    defer { state.owed = 0 }
                    return state.owed
                }
                if credit > 0 { call.link.grant(credit, to: call.id) }
                return bytes
            case .end(let error?):
                guard !wasTaken else { throw error }
                try await connection.pause(tries, after: error, wasSent: true)
                state.withLock { $0.call = nil }
            case .end(nil): return nil
            }
        }
    }

    private func started() async throws(LensError) -> LensConnection.StartedCall {
        if let call = state.withLock({ $0.call }) { return call }
        let call = try await connection.start(path, request, tries, window: window)
        state.withLock { $0.call = call }
        return call
    }
}
