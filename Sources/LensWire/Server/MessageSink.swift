internal import LensCore
internal import NIOCore

/// Carries one call's reply messages to its connection, at the client's pace.
final class MessageSink: Sendable {
    let callID: UInt32
    let window: ReplyWindow
    private let peer: Peer
    private let ledger: UsageLedger
    private let eventLoop: any EventLoop
    private let connection: NIOLoopBound<ConnectionHandler>

    init(
        callID: UInt32, window: ReplyWindow, peer: Peer, ledger: UsageLedger, eventLoop: any EventLoop,
        connection: NIOLoopBound<ConnectionHandler>
    ) {
        self.callID = callID
        self.window = window
        self.peer = peer
        self.ledger = ledger
        self.eventLoop = eventLoop
        self.connection = connection
    }

    /// The frame of one reply message.
    ///
    /// - Throws: `RESOURCE_EXHAUSTED` for a message that does not fit a frame.
    func frame<Value>(_ coding: Coding<Value>, _ value: Value) throws(LensError) -> ReplyFrame {
        try ReplyFrame(value, coding, callID: callID)
    }

    /// Sends one message once the client and the socket have room for it.
    func send<Value>(_ coding: Coding<Value>, _ value: Value) async throws(LensError) {
        let frame = try ReplyFrame(value, coding, callID: callID)
        try await window.reserve(frame.messageBytes)
        try ledger.buffer(bytes: frame.byteCount, of: peer)
        eventLoop.execute { [self] in connection.value.sendMessage(frame, from: self) }
    }
}
