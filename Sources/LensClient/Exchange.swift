internal import LensCore
internal import LensWire

/// A call in which the daemon answers each message of the client's; used by one task. Dropping it cancels the call.
final class Exchange<Message: Sendable, Event: Sendable>: Sendable {
    private let call: LensConnection.StartedCall
    private let message: Coding<Message>
    private let event: Coding<Event>

    init(call: LensConnection.StartedCall, message: Coding<Message>, event: Coding<Event>) {
        self.call = call
        self.message = message
        self.event = event
    }

    deinit {
        call.cancel()
    }

    /// Sends a message; the next one waits for ``next()``.
    func send(_ value: Message) throws(LensError) {
        try call.link.send(try message.encode(value), to: call.id)
    }

    /// No more messages come.
    func end() { call.link.endStream(call.id) }

    /// The daemon's next answer; `nil` after the last.
    ///
    /// - Throws: the call's status where it is no success.
    func next() async throws(LensError) -> Event? {
        let arrival = await withTaskCancellationHandler {
            await call.pending.next()
        } onCancel: {
            call.cancel()
        }
        switch arrival {
        case .message(let bytes):
            call.link.grant(bytes.count, to: call.id)
            return try LensConnection.decode(event, bytes)
        case .end(let error?): throw error
        case .end(nil): return nil
        }
    }
}
