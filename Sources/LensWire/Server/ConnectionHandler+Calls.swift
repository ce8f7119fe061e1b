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
            let path = String(decoding: start.method, as: UTF8.self)
            // What is no method may be anything: it does not get into the log.
            logger.callEnded(
                environment.journal.refuse(
                    CallName(connection: number, call: id), userID: peer.userID,
                    method: environment.router[path] == nil ? nil : path, error.code))
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
                "a connection may have \(limits.callsPerConnection) calls in flight and has \(calls.count); try later",
                retryAfter: UsageLedger.pause)
        }
        try environment.ledger.startCall(of: peer, requestBytes: start.request.count)

        let now = ContinuousClock.now
        let timeout = timeout(start, kind: route.kind)
        let control = CallControl(deadline: timeout.map { now + $0 })
        let window = ReplyWindow(
            credit: Int(start.window == 0 ? WireProtocol.defaultWindow : start.window),
            unwrittenLimit: limits.unwrittenBytesPerCall)
        let name = CallName(connection: number, call: id)
        var callLogger = logger
        callLogger[metadataKey: "request"] = "\(name)"
        callLogger[metadataKey: "method"] = "\(path)"
        let callContext = CallContext(
            peer: peer, name: name, method: path, control: control, requestID: start.requestID, logger: callLogger)
        let connection = NIOLoopBound(self, eventLoop: context.eventLoop)
        let sink = MessageSink(
            callID: id, window: window, peer: peer, ledger: environment.ledger, eventLoop: context.eventLoop,
            connection: connection)
        let requests = RequestQueue(
            window: limits.requestWindow, peer: peer, ledger: environment.ledger
        ) { [eventLoop = context.eventLoop] bytes in
            eventLoop.execute { connection.value.grant(bytes, to: id) }
        }
        environment.journal.begin(name, userID: peer.userID, method: path, queueWait: control.queueWait)
        let task = Task { [environment, peer, logger, callLogger, eventLoop = context.eventLoop] in
            let outcome: Result<ReplyFrame?, LensError>
            var status = StatusCode.ok
            do {
                outcome = .success(try await route.serve(start.request, callContext, sink, requests))
                // What came too late for the client is no success.
                if control.isCancelled, let reason = control.reason { status = reason.code }
            } catch {
                let error = LensError(ending: error, control: control, name: name)
                callLogger.callFailed(error)
                outcome = .failure(error)
                status = error.code
            }
            if let ended = environment.journal.end(name, status) { logger.callEnded(ended) }
            environment.ledger.endCall(of: peer, requestBytes: start.request.count)
            eventLoop.execute { connection.value.finish(id, with: outcome) }
        }
        calls[id] = ServerCall(
            kind: route.kind, control: control, window: window, requests: requests, task: task, lastSent: now)
        if let timeout { look(at: id, in: timeout) }
    }

    /// Ends the call once its deadline has passed; the deadline moves while the call waits for its client.
    func look(at id: UInt32, in time: Duration) {
        guard let context else { return }
        let connection = NIOLoopBound(self, eventLoop: context.eventLoop)
        calls[id]?.deadlineTimer = context.eventLoop.scheduleTask(in: TimeAmount(time)) {
            let handler = connection.value
            guard let call = handler.calls[id], !call.hasEnded, let deadline = call.control.deadline else { return }
            let rest = deadline - .now
            if call.control.pausedSince == nil, rest <= .zero { return handler.end(id, .deadlineExceeded) }
            handler.look(at: id, in: max(rest, .milliseconds(10)))
        }
    }

    /// Tells the client that its call's handler has room for so many more bytes of request messages.
    func grant(_ bytes: Int, to id: UInt32) {
        guard let call = calls[id], !call.hasEnded, !phase.isClosing else { return }
        write(ServerFrame(callID: id, .credit(UInt32(clamping: bytes))))
        context?.flush()
    }

    func timeout(_ start: StartCall, kind: MethodKind) -> Duration? {
        guard start.deadlineMilliseconds == 0 else {
            // A month is as good as any longer time, and leaves room for arithmetic.
            return .milliseconds(min(start.deadlineMilliseconds, 30 * 24 * 3600 * 1000))
        }
        return kind == .unary ? limits.unaryTimeout ?? kind.defaultTimeout : kind.defaultTimeout
    }

    /// A handler has a message for the client; its bytes stand in the ledger.
    func sendMessage(_ frame: ReplyFrame, from sink: MessageSink) {
        guard let call = calls[sink.callID], !call.hasEnded, !phase.isClosing else {
            return environment.ledger.release(bytes: frame.byteCount, of: peer)
        }
        calls[sink.callID]?.lastSent = .now
        write(frame) { [bytes = frame.messageBytes] in sink.window.wrote(bytes) }
        context?.flush()
    }

    /// A handler has returned, with its last message or with what it threw.
    func finish(_ id: UInt32, with outcome: Result<ReplyFrame?, LensError>) {
        guard let call = calls.removeValue(forKey: id) else { return }
        call.deadlineTimer?.cancel()
        // What the handler left of the requests is nobody's.
        call.requests.close(.cancelled)
        lastActivityAt = .now
        guard !call.hasEnded, !phase.isClosing else { return closeIfDone() }
        var failure: LensError?
        do {
            if let reply = try outcome.get() {
                try environment.ledger.buffer(bytes: reply.byteCount, of: peer)
                write(reply)
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
