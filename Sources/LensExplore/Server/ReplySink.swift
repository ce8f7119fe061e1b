internal import NIOCore
internal import NIOHTTP1

/// Where the answer to one request goes, from any task: whole, or piece by piece.
struct ReplySink: Sendable {
    let channel: any Channel
    let keepsAlive: Bool

    /// The whole answer.
    func send(_ reply: HTTPReply) {
        var headers = self.headers(type: reply.type)
        for (name, value) in reply.headers { headers.replaceOrAdd(name: name, value: value) }
        // 204 has no body, and says no length.
        if reply.status != .noContent { headers.add(name: "Content-Length", value: String(reply.body.count)) }
        write(.head(HTTPResponseHead(version: .http1_1, status: reply.status, headers: headers)))
        if !reply.body.isEmpty { write(.body(.byteBuffer(ByteBuffer(bytes: reply.body)))) }
        end()
    }

    /// The beginning of an answer whose length is not known yet.
    func begin(type: String) {
        write(.head(HTTPResponseHead(version: .http1_1, status: .ok, headers: headers(type: type))))
    }

    /// A next piece, on its way at once.
    func send(line: String) {
        var buffer = channel.allocator.buffer(capacity: line.utf8.count + 1)
        buffer.writeString(line)
        buffer.writeString("\n")
        channel.writeAndFlush(HTTPServerResponsePart.body(.byteBuffer(buffer)), promise: nil)
    }

    func end() {
        let channel = channel
        let done = channel.eventLoop.makePromise(of: Void.self)
        if !keepsAlive { done.futureResult.whenComplete { _ in channel.close(promise: nil) } }
        channel.writeAndFlush(HTTPServerResponsePart.end(nil), promise: done)
    }

    private func write(_ part: HTTPServerResponsePart) {
        channel.write(part, promise: nil)
    }

    private func headers(type: String) -> HTTPHeaders {
        var headers = HTTPHeaders(SecurityHeaders.all)
        headers.add(name: "Content-Security-Policy", value: SecurityHeaders.strictPolicy)
        headers.add(name: "Content-Type", value: type)
        if !keepsAlive { headers.add(name: "Connection", value: "close") }
        return headers
    }
}
