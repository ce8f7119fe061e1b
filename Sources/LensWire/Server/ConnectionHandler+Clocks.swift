internal import LensCore
internal import NIOCore

/// What is due, and what lasts too long.
extension ConnectionHandler {
    func tick() {
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
        case .closing(let until):
            if let until, now >= until { context.close(promise: nil) }
        case .awaitingHello:
            if now - openedAt >= limits.helloTimeout {
                fail(LensError(.deadlineExceeded, "a Hello is due within \(limits.helloTimeout) of connecting"))
            }
        case .open:
            if let partialFrameSince, now - partialFrameSince >= limits.frameTimeout {
                fail(LensError(.deadlineExceeded, "a frame must be whole within \(limits.frameTimeout)"))
            } else if calls.isEmpty, now - lastActivityAt >= limits.idleTimeout {
                fail(.unavailable("nothing was asked for \(limits.idleTimeout)"))
            } else {
                lookAfterCalls(now: now, isQuiet: unsent == 0)
            }
        }
    }

    func lookAfterCalls(now: ContinuousClock.Instant, isQuiet: Bool) {
        for (id, call) in calls where !call.hasEnded {
            if let waiting = call.window.waitingSince, now - waiting >= limits.stallTimeout {
                end(id, .resourceExhausted("the client took no message of this call for \(limits.stallTimeout)"))
            } else if let paused = call.control.pausedSince, now - paused >= limits.parkTimeout {
                end(
                    id,
                    LensError(.deadlineExceeded, "the call waited \(limits.parkTimeout) for an answer of its client"))
            } else if isQuiet, now - call.lastSent >= limits.heartbeatInterval {
                calls[id]?.lastSent = now
                write(ServerFrame(callID: id, .heartbeat))
            }
        }
        context?.flush()
    }
}
