internal import LensCore
internal import Logging
internal import NIOCore

/// One client's connection: cuts frames, keeps the protocol's rules and the clocks, starts and ends calls.
///
/// All state is confined to the channel's event loop. Handlers of calls run as tasks elsewhere and come back here
/// through ``sendMessage(_:messageBytes:from:)`` and ``finish(_:with:)``.
final class ConnectionHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    enum Phase: Equatable {
        case awaitingHello
        case open
        /// Nothing is read any more; what was written goes out.
        case closing(since: ContinuousClock.Instant)

        var isClosing: Bool {
            if case .closing = self { true } else { false }
        }
    }

    /// What all connections of a server share.
    struct Environment: Sendable {
        let router: Router
        let limits: WireLimits
        let ledger: UsageLedger
        let server: String
        let logger: Logger
    }

    let peer: Peer
    let environment: Environment
    private let refusal: LensError?
    private var logger: Logger
    private var context: ChannelHandlerContext?

    private var phase = Phase.awaitingHello
    private var isDraining = false
    private var isInputClosed = false
    private let frames = NIOSingleStepByteToMessageProcessor(
        FrameDecoder(maxFirstBytes: WireProtocol.maxHelloBytes, maxBytes: WireProtocol.maxRequestBytes))
    private var usedIDs = UsedCallIDs()
    private var calls: [UInt32: ServerCall] = [:]
    private var outbound: OutboundProgress

    private var ticker: RepeatedTask?
    private let openedAt = ContinuousClock.now
    private var lastFrameAt = ContinuousClock.now
    private var partialFrameSince: ContinuousClock.Instant?

    /// - Parameter refusal: why the connection is not served; it is told and closed.
    init(peer: Peer, environment: Environment, refusal: LensError?) {
        self.peer = peer
        self.environment = environment
        self.refusal = refusal
        logger = environment.logger
        logger[metadataKey: "uid"] = "\(peer.userID)"
        outbound = OutboundProgress(now: .now)
    }

    private var limits: WireLimits { environment.limits }
    private var activeCalls: Int { calls.values.reduce(0) { $0 + ($1.hasEnded ? 0 : 1) } }

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
        phase = .closing(since: .now)
        if refusal == nil { environment.ledger.closeConnection(of: peer) }
        logger.debug("connection closed")
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !phase.isClosing else { return }
        let framesBefore = lastFrameAt
        do {
            try frames.process(buffer: Self.unwrapInboundIn(data)) { frame in
                guard !phase.isClosing else { return }
                lastFrameAt = .now
                try frame.withUnsafeReadableBytes { bytes in
                    try receive(try Coding.clientFrame.decode(bytes))
                }
            }
        } catch let error as LensError {
            fail(error)
        } catch {
            fail(LensError(.internal, "an internal error; the daemon's log says more", cause: error))
        }
        if frames.unprocessedBytes == 0 {
            partialFrameSince = nil
        } else if partialFrameSince == nil || lastFrameAt != framesBefore {
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
                closeIfDone()
            }
        case is ChannelShouldQuiesceEvent:
            isDraining = true
            closeIfDone()
        case is GraceHasPassed:
            let error = LensError.unavailable("the daemon is shutting down")
            for id in calls.keys { end(id, error) }
            fail(error)
        default:
            context.fireUserInboundEventTriggered(event)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        logger.debug("connection failed", metadata: ["cause": "\(error)"])
        context.close(promise: nil)
    }

    // MARK: - Frames

    private func receive(_ frame: ClientFrame) throws(LensError) {
        if case .hello(let hello) = frame.body {
            guard phase == .awaitingHello, frame.callID == 0 else {
                throw .invalidArgument("a Hello is the first frame and has call_id 0; received another one")
            }
            return try greet(hello)
        }
        guard phase == .open else { throw .invalidArgument("the first frame must be a Hello") }
        if case .ping = frame.body {
            guard frame.callID == 0 else {
                throw .invalidArgument("a Ping has call_id 0; received \(frame.callID)")
            }
            return write(ServerFrame(.pong))
        }
        guard frame.callID != 0 else { throw .invalidArgument("a call's frames have a call_id other than 0") }
        if case .start(let call) = frame.body { return try start(frame.callID, call) }
        // What comes for a call that has ended was on its way when it did.
        guard let call = calls[frame.callID], !call.hasEnded else {
            guard usedIDs.contains(frame.callID) else {
                throw .invalidArgument("call_id \(frame.callID) was not started on this connection")
            }
            return
        }
        switch frame.body {
        case .cancel: end(frame.callID, .cancelled)
        case .credit(let bytes): call.window.add(credit: Int(bytes))
        case .message: end(frame.callID, .invalidArgument("this method takes one request message; received another"))
        case .hello, .ping, .start, .endStream: break
        }
    }

    private func greet(_ hello: ClientHello) throws(LensError) {
        let common = hello.protocolVersions.filter { WireProtocol.versions.contains($0) }
        guard let version = common.max() else {
            let offered = hello.protocolVersions.prefix(8).map(String.init).joined(separator: ", ")
            let known = WireProtocol.versions.map(String.init).joined(separator: ", ")
            throw LensError(
                .failedPrecondition,
                "this daemon speaks protocol version \(known); the client offers \(offered.isEmpty ? "none" : offered)")
        }
        phase = .open
        logger.debug("client said hello", metadata: ["client": "\(hello.client.debugDescription.prefix(80))"])
        write(
            ServerFrame(
                .hello(
                    ServerHello(
                        protocolVersion: version, server: environment.server,
                        maxRequestBytes: UInt32(WireProtocol.maxRequestBytes),
                        maxReplyBytes: UInt32(WireProtocol.maxReplyBytes)))))
        closeIfDone()
    }

    // MARK: - Calls

    /// Starts a call; whatever is wrong with it alone becomes its status.
    private func start(_ id: UInt32, _ start: StartCall) throws(LensError) {
        guard !usedIDs.isFull else { throw .resourceExhausted("the call ids of this connection are too scattered") }
        guard usedIDs.insert(id) else { throw .invalidArgument("call_id \(id) was used before on this connection") }
        do {
            try run(id, start)
        } catch {
            write(ServerFrame(callID: id, .status(Status(error))))
            closeIfDone()
        }
    }

    private func run(_ id: UInt32, _ start: StartCall) throws(LensError) {
        guard let context else { return }
        guard !isDraining else { throw .unavailable("the daemon is shutting down and takes no new calls") }
        let path = String(decoding: start.method, as: UTF8.self)
        guard let route = environment.router[path] else {
            throw .unimplemented("no method \(path.prefix(80).debugDescription) in this daemon")
        }
        guard start.requestID.count <= WireProtocol.maxRequestIDBytes else {
            throw .outOfRange("request_id's length", start.requestID.count, 0..<WireProtocol.maxRequestIDBytes + 1)
        }
        guard calls.count < limits.callsPerConnection else {
            throw .resourceExhausted(
                "a connection may have \(limits.callsPerConnection) calls in flight and has \(calls.count); try later")
        }
        try environment.ledger.startCall(of: peer, requestBytes: start.request.count)

        let now = ContinuousClock.now
        let timeout = timeout(start, kind: route.kind)
        let control = CallControl(deadline: timeout.map { now + $0 })
        let window = ReplyWindow(
            credit: Int(start.window == 0 ? WireProtocol.defaultWindow : start.window),
            unwrittenLimit: limits.unwrittenBytesPerCall)
        var logger = logger
        logger[metadataKey: "call"] = "\(path)#\(id)"
        let callContext = CallContext(
            peer: peer, method: path, control: control, requestID: start.requestID, logger: logger)
        let connection = NIOLoopBound(self, eventLoop: context.eventLoop)
        let sink = MessageSink(
            callID: id, window: window, peer: peer, ledger: environment.ledger, eventLoop: context.eventLoop,
            connection: connection)
        let task = Task { [environment, peer, eventLoop = context.eventLoop] in
            let outcome: Result<ByteBuffer?, LensError>
            do {
                outcome = .success(try await route.serve(start.request, callContext, sink))
            } catch {
                let error = LensError(ending: error, control: control)
                logger.callFailed(error)
                outcome = .failure(error)
            }
            environment.ledger.endCall(of: peer, requestBytes: start.request.count)
            eventLoop.execute { connection.value.finish(id, with: outcome) }
        }
        let timer = timeout.map { timeout in
            context.eventLoop.scheduleTask(in: TimeAmount(timeout)) {
                connection.value.end(id, .deadlineExceeded)
            }
        }
        calls[id] = ServerCall(control: control, window: window, task: task, deadlineTimer: timer, lastSent: now)
    }

    private func timeout(_ start: StartCall, kind: MethodKind) -> Duration? {
        guard start.deadlineMilliseconds == 0 else {
            // A month is as good as any longer time, and leaves room for arithmetic.
            return .milliseconds(min(start.deadlineMilliseconds, 30 * 24 * 3600 * 1000))
        }
        return kind == .unary ? limits.unaryTimeout ?? kind.defaultTimeout : kind.defaultTimeout
    }

    /// A handler has a message for the client; its bytes stand in the ledger.
    func sendMessage(_ frame: ByteBuffer, messageBytes: Int, from sink: MessageSink) {
        guard let call = calls[sink.callID], !call.hasEnded, !phase.isClosing else {
            return environment.ledger.release(bytes: frame.readableBytes, of: peer)
        }
        calls[sink.callID]?.lastSent = .now
        write(frame, isInLedger: true) { sink.window.wrote(messageBytes) }
        context?.flush()
    }

    /// A handler has returned, with its last message or with what it threw.
    func finish(_ id: UInt32, with outcome: Result<ByteBuffer?, LensError>) {
        guard let call = calls.removeValue(forKey: id) else { return }
        call.deadlineTimer?.cancel()
        guard !call.hasEnded, !phase.isClosing else { return closeIfDone() }
        var failure: LensError?
        do {
            if let reply = try outcome.get() {
                try environment.ledger.buffer(bytes: reply.readableBytes, of: peer)
                write(reply, isInLedger: true)
            }
        } catch {
            failure = error
        }
        write(ServerFrame(callID: id, .status(failure.map { Status($0) } ?? Status(.ok))))
        context?.flush()
        if let failure, failure.cause is MalformedMessage { return fail(failure) }
        closeIfDone()
    }

    /// Ends a call from outside its handler: the client knows at once, the handler finds out.
    private func end(_ id: UInt32, _ error: LensError) {
        guard let call = calls[id], !call.hasEnded else { return }
        calls[id]?.hasEnded = true
        call.stop(error)
        write(ServerFrame(callID: id, .status(Status(error))))
        context?.flush()
        closeIfDone()
    }

    // MARK: - The end

    /// Tells the client what is wrong with the connection as a whole, and closes it once that is written.
    private func fail(_ error: LensError) {
        guard !phase.isClosing else { return }
        logger.debug("connection error", metadata: ["status": "\(error.code.name)"])
        write(ServerFrame(.status(Status(error))))
        close()
    }

    /// Closes where nothing more can happen: no call left, and the client or the daemon is about to go.
    private func closeIfDone() {
        guard !phase.isClosing, activeCalls == 0 else { return }
        if isInputClosed {
            close()
        } else if isDraining {
            fail(.unavailable("the daemon is shutting down"))
        }
    }

    private func close() {
        phase = .closing(since: .now)
        stopCalls(.unavailable("the connection was closed"))
        context?.flush()
        closeIfWritten()
    }

    private func closeIfWritten() {
        if phase.isClosing, outbound.isEmpty { context?.close(promise: nil) }
    }

    private func stopCalls(_ error: LensError) {
        for (id, call) in calls where !call.hasEnded {
            calls[id]?.hasEnded = true
            call.stop(error)
        }
    }

    // MARK: - Writing

    private func write(_ frame: ServerFrame) {
        var buffer = ByteBuffer()
        do {
            try FrameEncoder.append(frame, to: &buffer)
            write(buffer, isInLedger: false)
        } catch {
            // Frames without a message hold nothing that could fail to encode.
            context?.close(promise: nil)
        }
    }

    /// Queues bytes; `then` runs when the socket has taken them, or never will.
    private func write(_ buffer: ByteBuffer, isInLedger: Bool, then: @escaping () -> Void = {}) {
        let bytes = buffer.readableBytes
        guard let context else {
            if isInLedger { environment.ledger.release(bytes: bytes, of: peer) }
            return
        }
        outbound.queued(bytes)
        let promise = context.eventLoop.makePromise(of: Void.self)
        promise.futureResult.assumeIsolated().whenComplete { _ in
            self.outbound.finished()
            if isInLedger { self.environment.ledger.release(bytes: bytes, of: self.peer) }
            then()
            self.closeIfWritten()
        }
        context.write(Self.wrapOutboundOut(buffer), promise: promise)
    }

    // MARK: - Clocks

    private func tick() {
        guard let context else { return }
        let now = ContinuousClock.now
        let unsent = (try? context.channel.syncOptions?.getOption(.bufferedWritableBytes)) ?? 0
        outbound.look(unsent: unsent, now: now)
        if now - outbound.lastProgress >= limits.stallTimeout {
            logger.notice("connection closed: the client does not read")
            context.close(promise: nil)
            return
        }
        switch phase {
        case .closing(let since):
            if now - since >= limits.helloTimeout { context.close(promise: nil) }
        case .awaitingHello:
            if now - openedAt >= limits.helloTimeout {
                fail(LensError(.deadlineExceeded, "a Hello is due within \(limits.helloTimeout) of connecting"))
            }
        case .open:
            if let partialFrameSince, now - partialFrameSince >= limits.frameTimeout {
                fail(LensError(.deadlineExceeded, "a frame must be whole within \(limits.frameTimeout)"))
            } else if calls.isEmpty, now - lastFrameAt >= limits.idleTimeout {
                fail(.unavailable("nothing was asked for \(limits.idleTimeout)"))
            } else {
                lookAfterCalls(now: now, isQuiet: unsent == 0)
            }
        }
    }

    private func lookAfterCalls(now: ContinuousClock.Instant, isQuiet: Bool) {
        for (id, call) in calls where !call.hasEnded {
            if let waiting = call.window.waitingSince, now - waiting >= limits.stallTimeout {
                end(id, .resourceExhausted("the client took no message of this call for \(limits.stallTimeout)"))
            } else if isQuiet, now - call.lastSent >= limits.heartbeatInterval {
                calls[id]?.lastSent = now
                write(ServerFrame(callID: id, .heartbeat))
            }
        }
        context?.flush()
    }
}

/// Tells connections that shutting down waits no longer.
struct GraceHasPassed: Sendable {}
