internal import LensCore
internal import Logging
internal import NIOCore

/// One client's connection: cuts frames, keeps the protocol's rules and the clocks, starts and ends calls.
///
/// All state is confined to the channel's event loop. Handlers of calls run as tasks elsewhere and come back here
/// through ``sendMessage(_:from:)`` and ``finish(_:with:)``. This file holds the state, the channel's
/// events, writing and closing; frames, calls and clocks have files of their own.
final class ConnectionHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    enum Phase: Equatable {
        case awaitingHello
        case open
        /// Nothing is read any more; what was written goes out, for as long as the client takes it or until then.
        case closing(until: ContinuousClock.Instant?)

        var isClosing: Bool {
            if case .closing = self { true } else { false }
        }
    }

    /// What all connections of a server share.
    struct Environment: Sendable {
        let router: Router
        let ledger: UsageLedger
        let journal: CallJournal
        let server: String
        let logger: Logger
    }

    /// Counted from the daemon's start.
    let number: Int
    let peer: Peer
    let environment: Environment
    let refusal: LensError?
    var logger: Logger
    var context: ChannelHandlerContext?

    var phase = Phase.awaitingHello
    var isDraining = false
    var isInputClosed = false
    let frames = NIOSingleStepByteToMessageProcessor(
        FrameDecoder(maxFirstBytes: WireProtocol.maxHelloBytes, maxBytes: WireProtocol.maxRequestBytes))
    var usedIDs = UsedCallIDs()
    var calls: [UInt32: ServerCall] = [:]
    var outbound: OutboundProgress

    var ticker: RepeatedTask?
    let openedAt = ContinuousClock.now
    /// When a frame came or a call ended.
    var lastActivityAt = ContinuousClock.now
    var partialFrameSince: ContinuousClock.Instant?
    /// Bytes of the unfinished frame that stand in the ledger.
    var partialFrameBytes = 0

    /// - Parameter refusal: why the connection is not served; it is told and closed.
    init(number: Int, peer: Peer, environment: Environment, refusal: LensError?) {
        self.number = number
        self.peer = peer
        self.environment = environment
        self.refusal = refusal
        logger = environment.logger
        logger[metadataKey: "connection"] = .stringConvertible(number)
        logger[metadataKey: "uid"] = .stringConvertible(peer.userID)
        outbound = OutboundProgress(now: .now)
    }

    var limits: WireLimits { environment.ledger.limits }
    var activeCalls: Int { calls.values.reduce(0) { $0 + ($1.hasEnded ? 0 : 1) } }

    // MARK: - Channel events

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
    }

    func channelActive(context: ChannelHandlerContext) {
        let tick = TimeAmount(limits.tick)
        let connection = NIOLoopBound(self, eventLoop: context.eventLoop)
        ticker = context.eventLoop.scheduleRepeatedTask(initialDelay: tick, delay: tick) { _ in
            connection.value.tick()
        }
        if let refusal { fail(refusal) }
    }

    func channelInactive(context: ChannelHandlerContext) {
        ticker?.cancel()
        stopCalls(.unavailable("the connection was closed"))
        phase = .closing(until: nil)
        environment.ledger.release(bytes: partialFrameBytes, of: peer)
        partialFrameBytes = 0
        if refusal == nil { environment.ledger.closeConnection(of: peer) }
        logger.debug("connection closed")
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !phase.isClosing else { return }
        var frameCount = 0
        do {
            try frames.process(buffer: Self.unwrapInboundIn(data)) { frame in
                guard !phase.isClosing else { return }
                frameCount += 1
                try frame.withUnsafeReadableBytes { bytes in
                    try receive(try Coding.clientFrame.decode(bytes))
                }
            }
            try notePartialFrame(isNew: frameCount > 0)
        } catch let error as LensError {
            fail(error)
        } catch {
            fail(LensError(.internal, "an internal error; the daemon's log says more", cause: error))
        }
        if frameCount > 0 { lastActivityAt = .now }
    }

    func notePartialFrame(isNew: Bool) throws(LensError) {
        let bytes = frames.unprocessedBytes
        environment.ledger.release(bytes: partialFrameBytes, of: peer)
        partialFrameBytes = 0
        try environment.ledger.buffer(bytes: bytes, of: peer)
        partialFrameBytes = bytes
        if bytes == 0 {
            partialFrameSince = nil
        } else if partialFrameSince == nil || isNew {
            partialFrameSince = .now
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        context.flush()
        if outbound.hasTooManyWrites {
            logger.notice("connection closed: the client sends and does not read")
            context.close(promise: nil)
        }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event {
        case ChannelEvent.inputClosed:
            isInputClosed = true
            if frames.unprocessedBytes > 0 {
                fail(.invalidArgument("the stream ended inside a frame"))
            } else {
                // Nothing more can come: a handler that waits for messages is not left waiting.
                for call in calls.values { call.requests.finish() }
                closeIfDone()
            }
        case is ChannelShouldQuiesceEvent:
            isDraining = true
            closeIfDone()
        case is GraceHasPassed:
            let error = LensError.unavailable("the daemon is shutting down")
            for id in calls.keys { end(id, error) }
            fail(error)
            phase = .closing(until: .now + limits.helloTimeout)
        default:
            context.fireUserInboundEventTriggered(event)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        logger.debug("connection failed", metadata: ["cause": "\(error)"])
        context.close(promise: nil)
    }

    // MARK: - The end

    /// Tells the client what is wrong with the connection as a whole, and closes it once that is written.
    func fail(_ error: LensError) {
        guard !phase.isClosing else { return }
        logger.debug("connection error", metadata: ["status": "\(error.code.name)"])
        write(ServerFrame(.status(Status(error))))
        close(until: .now + limits.helloTimeout)
    }

    /// Closes where nothing more can happen: no call left, and the client or the daemon is about to go.
    func closeIfDone() {
        guard !phase.isClosing, activeCalls == 0 else { return }
        if isInputClosed {
            close(until: nil)
        } else if isDraining {
            write(ServerFrame(.status(Status(.unavailable("the daemon is shutting down")))))
            close(until: nil)
        }
    }

    /// - Parameter until: when what is still unwritten is given up; `nil` leaves that to the rule for stalled readers,
    ///   so that no reply is lost on a slow one.
    func close(until: ContinuousClock.Instant?) {
        phase = .closing(until: until)
        stopCalls(.unavailable("the connection was closed"))
        context?.flush()
        closeIfWritten()
    }

    func closeIfWritten() {
        if phase.isClosing, outbound.isEmpty { context?.close(promise: nil) }
    }

    func stopCalls(_ error: LensError) {
        for (id, call) in calls where !call.hasEnded {
            calls[id]?.hasEnded = true
            call.stop(error)
        }
    }

    // MARK: - Writing

    func write(_ frame: ServerFrame) {
        var buffer = ByteBuffer()
        do {
            try FrameEncoder.append(frame, to: &buffer)
            write([buffer], ledgerBytes: 0)
        } catch {
            // Frames without a message hold nothing that could fail to encode.
            context?.close(promise: nil)
        }
    }

    /// Queues a reply, whose bytes stand in the ledger; `then` runs when the socket has taken it, or never will.
    func write(_ reply: ReplyFrame, then: @escaping () -> Void = {}) {
        write([reply.head] + (reply.values.map { [$0] } ?? []), ledgerBytes: reply.byteCount, then: then)
    }

    /// Queues one frame's bytes.
    private func write(_ parts: [ByteBuffer], ledgerBytes: Int, then: @escaping () -> Void = {}) {
        guard let context, let last = parts.last else {
            return environment.ledger.release(bytes: ledgerBytes, of: peer)
        }
        outbound.queued(parts.reduce(0) { $0 + $1.readableBytes })
        let promise = context.eventLoop.makePromise(of: Void.self)
        promise.futureResult.assumeIsolated().whenComplete { _ in
            self.outbound.finished()
            if ledgerBytes > 0 { self.environment.ledger.release(bytes: ledgerBytes, of: self.peer) }
            then()
            self.closeIfWritten()
        }
        for part in parts.dropLast() { context.write(Self.wrapOutboundOut(part), promise: nil) }
        context.write(Self.wrapOutboundOut(last), promise: promise)
    }
}

/// Tells connections that shutting down waits no longer.
struct GraceHasPassed: Sendable {}
