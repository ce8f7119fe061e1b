internal import DequeModule
internal import LensCore
internal import Synchronization

/// The further request messages of one call, from their arrival until its handler takes them.
///
/// The client may send while it has any credit left, whatever a message's size, as the daemon may with replies; what
/// waits here stands in the ledger. One task takes at a time.
final class RequestQueue: Sendable {
    /// What the handler finds.
    private enum Arrival {
        case message([UInt8])
        /// The end; `nil` is the client's own.
        case end(LensError?)
    }

    private struct State {
        /// Bytes that the client may still send; one message may overdraw them.
        var credit: Int
        /// Bytes taken by the handler for which the client has no credit yet.
        var owed = 0
        var messages: Deque<[UInt8]> = []
        var end: Arrival?
        var waiter: CheckedContinuation<Arrival, Never>?
    }

    /// Messages that may wait, so that empty ones, which cost no credit, cannot pile up.
    private static let maximumMessages = 1024

    private let window: Int
    private let peer: Peer
    private let ledger: UsageLedger
    private let grant: @Sendable (Int) -> Void
    private let state: Mutex<State>

    /// - Parameters:
    ///   - window: bytes that the client may send before the handler takes any.
    ///   - grant: tells the client that it has so many bytes of credit more.
    init(window: Int, peer: Peer, ledger: UsageLedger, grant: @escaping @Sendable (Int) -> Void) {
        self.window = window
        self.peer = peer
        self.ledger = ledger
        self.grant = grant
        state = Mutex(State(credit: window))
    }

    deinit {
        close(.cancelled)
    }

    // MARK: - The connection's side

    /// Takes in a message.
    ///
    /// - Throws: `RESOURCE_EXHAUSTED` where the client had no credit for it or too much waits, `INVALID_ARGUMENT`
    ///   after the stream's end.
    func receive(_ message: [UInt8]) throws(LensError) {
        let answer: Result<CheckedContinuation<Arrival, Never>?, LensError> = state.withLock { state in
            do throws(LensError) {
                return .success(try admit(message, to: &state))
            } catch {
                return .failure(error)
            }
        }
        if let waiter = try answer.get() { take(message, for: waiter) }
    }

    /// The waiter that the message goes to; without one it is kept.
    private func admit(
        _ message: [UInt8], to state: inout State
    ) throws(LensError) -> CheckedContinuation<Arrival, Never>? {
        switch state.end {
        case .end(nil): throw .invalidArgument("no request message may follow end_stream; received one")
        case .some: return nil
        case nil: break
        }
        guard state.credit > 0 else {
            throw .resourceExhausted(
                "request messages wait for credit once \(window) bytes are under way; received one without")
        }
        guard state.messages.count < Self.maximumMessages else {
            throw .resourceExhausted("a call may have \(Self.maximumMessages) request messages waiting")
        }
        try ledger.buffer(bytes: message.count, of: peer)
        state.credit -= message.count
        if let waiter = state.waiter {
            state.waiter = nil
            return waiter
        }
        state.messages.append(message)
        return nil
    }

    /// The client sends no more: what waits can still be taken.
    func finish() {
        end(.end(nil), dropping: false)
    }

    /// Ends the call: whoever waits is told, what waits is dropped.
    func close(_ error: LensError) {
        end(.end(error), dropping: true)
    }

    private func end(_ end: Arrival, dropping: Bool) {
        let (waiter, dropped) = state.withLock { state in
            // The first error stays; the client's own end does not hold one back.
            if case .end(_?) = state.end {} else if state.end == nil || dropping { state.end = end }
            defer { state.waiter = nil }
            guard dropping else { return (state.waiter, 0) }
            defer { state.messages = [] }
            return (state.waiter, state.messages.reduce(0) { $0 + $1.count })
        }
        if dropped > 0 { ledger.release(bytes: dropped, of: peer) }
        waiter?.resume(returning: end)
    }

    // MARK: - The handler's side

    /// Waits for the next message; `nil` after the last.
    ///
    /// - Throws: what the queue was closed with, or `CANCELLED`.
    func next() async throws(LensError) -> [UInt8]? {
        let arrival = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let arrival = state.withLock { state -> Arrival? in
                    if let message = state.messages.popFirst() { return .message(message) }
                    if let end = state.end { return end }
                    if Task.isCancelled { return .end(.cancelled) }
                    guard state.waiter == nil else {
                        return .end(LensError(.internal, "two tasks wait for the messages of one call"))
                    }
                    state.waiter = continuation
                    return nil
                }
                switch arrival {
                case .message(let message)?: take(message, for: continuation)
                case let end?: continuation.resume(returning: end)
                case nil: break
                }
            }
        } onCancel: {
            close(.cancelled)
        }
        switch arrival {
        case .message(let message): return message
        case .end(nil): return nil
        case .end(let error?): throw error
        }
    }

    /// Hands a message over. Credit goes back in quarters of the window, so that it costs few frames and a handler that
    /// keeps up never makes its client wait.
    private func take(_ message: [UInt8], for waiter: CheckedContinuation<Arrival, Never>) {
        ledger.release(bytes: message.count, of: peer)
        let due = state.withLock { state in
            state.owed += message.count
            guard state.owed >= window / 4 else { return 0 }
            defer { state.owed = 0 }
            state.credit += state.owed
            return state.owed
        }
        if due > 0 { grant(due) }
        waiter.resume(returning: .message(message))
    }
}
