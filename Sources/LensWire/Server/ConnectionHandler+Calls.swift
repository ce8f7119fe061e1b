internal import LensCore
internal import Logging
internal import NIOCore

/// Calls from their start to their status.
extension ConnectionHandler {
    /// Starts a call; whatever is wrong with it alone becomes its status.
    func start(_ id: UInt32, _ start: StartCall) throws(LensError) {
        guard !usedIDs.isFull else { throw .resourceExhausted("the call ids of this connection are too scattered") }
        guard usedIDs.insert(id) else { throw .invalidArgument("call_id \(id) was used before on this connection") }
        do {
            try run(id, start)
        } catch {
            write(ServerFrame(callID: id, .status(Status(error))))
            closeIfDone()
        }
    }

    func run(_ id: UInt32, _ start: StartCall) throws(LensError) {
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

    func timeout(_ start: StartCall, kind: MethodKind) -> Duration? {
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
        lastActivityAt = .now
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
    func end(_ id: UInt32, _ error: LensError) {
        guard let call = calls[id], !call.hasEnded else { return }
        calls[id]?.hasEnded = true
        call.stop(error)
        write(ServerFrame(callID: id, .status(Status(error))))
        context?.flush()
        closeIfDone()
    }
}
