internal import LensCore
internal import NIOCore
internal import NIOHTTP1

/// One browser's connection: takes requests whole, one after the other, and has each answered by a task of its own.
///
/// A connection that ends takes its task with it: whoever aborts a request or closes a tab cancels the work.
final class HTTPConnectionHandler: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    /// Answers what was let in.
    typealias Answering = @Sendable (HTTPCall, ReplySink) async -> Void

    private enum State {
        case idle
        case receiving(RequestGuard.Route, keepsAlive: Bool, body: [UInt8])
        /// What still comes of a refused request is let go by.
        case refused
        case answering(Task<Void, Never>)
    }

    private let requestGuard: RequestGuard
    private let limits: ServerLimits
    /// Why nothing at all is answered here.
    private let ban: Refusal?
    private let answering: Answering
    private var state = State.idle
    private var clock: Scheduled<Void>?
    /// Whether the clock runs for a request that has begun.
    private var isInRequest = false
    /// Requests answered or being answered.
    private var count = 0

    init(requestGuard: RequestGuard, limits: ServerLimits, ban: Refusal?, answering: @escaping Answering) {
        self.requestGuard = requestGuard
        self.limits = limits
        self.ban = ban
        self.answering = answering
    }

    func channelActive(context: ChannelHandlerContext) {
        startClock(context, limits.idleTime)
        context.fireChannelActive()
    }

    func channelInactive(context: ChannelHandlerContext) {
        clock?.cancel()
        if case .answering(let task) = state { task.cancel() }
        context.fireChannelInactive()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if event is FirstByteHandler.BytesCame {
            if case .idle = state, !isInRequest {
                isInRequest = true
                startClock(context, limits.requestTime)
            }
        } else {
            context.fireUserInboundEventTriggered(event)
        }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head): take(head, context)
        case .body(let bytes): take(bytes, context)
        case .end: takeEnd(context)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // Not HTTP, or too much of it: NIO's own handler has said so with a 400.
        context.close(promise: nil)
    }

    // MARK: - A request's parts

    private func take(_ head: HTTPRequestHead, _ context: ChannelHandlerContext) {
        do throws(Refusal) {
            if let ban { throw ban }
            let route = try requestGuard.route(head)
            let length = head.headers.first(name: "Content-Length").flatMap { Int($0) } ?? 0
            guard length <= limits.body else { throw tooLarge(length) }
            state = .receiving(route, keepsAlive: head.isKeepAlive, body: [])
        } catch {
            refuse(error, context, asText: head.method == .GET || ban != nil)
        }
    }

    private func take(_ bytes: ByteBuffer, _ context: ChannelHandlerContext) {
        guard case .receiving(let route, let keepsAlive, var body) = state else { return }
        state = .idle
        body += bytes.readableBytesView
        guard body.count <= limits.body else { return refuse(tooLarge(body.count), context, asText: false) }
        state = .receiving(route, keepsAlive: keepsAlive, body: body)
    }

    private func takeEnd(_ context: ChannelHandlerContext) {
        guard case .receiving(let route, let keepsAlive, let body) = state else { return }
        clock?.cancel()
        let sink = ReplySink(channel: context.channel, keepsAlive: keepsAlive)
        let answering = answering
        let loop = context.eventLoop
        let bound = NIOLoopBound((self, context), eventLoop: loop)
        count += 1
        let number = count
        state = .answering(
            Task {
                await answering(HTTPCall(route: route, body: body), sink)
                loop.execute {
                    let (handler, context) = bound.value
                    handler.finish(number, context)
                }
            })
    }

    private func finish(_ number: Int, _ context: ChannelHandlerContext) {
        // With the answer's end the next request may have come already.
        guard number == count, case .answering = state else { return }
        state = .idle
        isInRequest = false
        startClock(context, limits.idleTime)
    }

    private func tooLarge(_ count: Int) -> Refusal {
        .tooLarge("a request has at most \(limits.body >> 10) KiB; received \(count) bytes")
    }

    /// Says why, and ends the connection.
    private func refuse(_ refusal: Refusal, _ context: ChannelHandlerContext, asText: Bool) {
        state = .refused
        ReplySink(channel: context.channel, keepsAlive: false).send(.refusal(refusal, asText: asText))
    }

    private func startClock(_ context: ChannelHandlerContext, _ time: Duration) {
        clock?.cancel()
        let channel = context.channel
        guard channel.isActive else { return }
        clock = context.eventLoop.scheduleTask(in: TimeAmount(time)) { channel.close(promise: nil) }
    }
}
