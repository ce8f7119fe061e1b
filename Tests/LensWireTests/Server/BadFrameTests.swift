import LensClient
import LensCore
import LensWire
import Testing

/// The table of bad input in reliability.md, row by row, against a live server.
@Suite struct BadFrameTests {
    /// Sends bytes on a fresh connection, and expects an error of the whole connection and its end.
    private func expectClosed(
        _ code: StatusCode, hello: Bool = true, _ bytes: [UInt8], sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        try await withServer { live in
            let bystander = try live.connect()
            let client = try hello ? await RawClient.greeted(path: live.path) : RawClient(path: live.path)
            try await client.send(bytes: bytes)
            let frame = try await client.receiveAnswer()
            #expect(frame?.callID == 0, sourceLocation: sourceLocation)
            #expect(frame?.status?.code == code, sourceLocation: sourceLocation)
            #expect(try await client.isClosed(), sourceLocation: sourceLocation)
            // Nobody else noticed.
            #expect(try await bystander.tokenize(.of("x")).tokens.count == 1, sourceLocation: sourceLocation)
        }
    }

    private func frame(_ frame: ClientFrame) throws -> [UInt8] { try FrameEncoder.encode(frame) }

    @Test func lengthZero() async throws {
        try await expectClosed(.invalidArgument, [0, 0, 0, 0])
        try await expectClosed(.invalidArgument, hello: false, [0, 0, 0, 0])
    }

    @Test func overlongLength() async throws {
        try await expectClosed(.resourceExhausted, [0, 16, 0, 1])
        try await expectClosed(.resourceExhausted, [255, 255, 255, 255])
        try await expectClosed(.resourceExhausted, hello: false, [0, 0, 16, 1])
    }

    @Test func bytesThatDoNotParse() async throws {
        try await expectClosed(.invalidArgument, [0, 0, 0, 3, 255, 255, 255])
        try await expectClosed(.invalidArgument, hello: false, [0, 0, 0, 3, 255, 255, 255])
        // A frame without a body.
        try await expectClosed(.invalidArgument, [0, 0, 0, 2, 8, 1])
        // More unknown fields than the budget pays for.
        let flood = [[UInt8]](repeating: [0x78, 0], count: 400_000).flatMap { $0 }
        try await expectClosed(.invalidArgument, [0, 0x0c, 0x35, 0] + flood)
    }

    @Test func aRequestThatDoesNotParse() async throws {
        try await withServer { live in
            let client = try await RawClient.greeted(path: live.path)
            let call = StartCall(method: UnaryMethod.run.path, request: [255, 255])
            try await client.send(ClientFrame(callID: 1, .start(call)))
            let first = try await client.receiveAnswer()
            #expect(first?.callID == 1)
            #expect(first?.status?.code == .invalidArgument)
            let second = try await client.receiveAnswer()
            #expect(second?.callID == 0)
            #expect(second?.status?.code == .invalidArgument)
            #expect(try await client.isClosed())
        }
    }

    @Test func helloRules() async throws {
        try await expectClosed(.invalidArgument, try frame(.hello))
        try await expectClosed(.invalidArgument, hello: false, try frame(ClientFrame(.ping)))
        let future = ClientFrame(.hello(ClientHello(protocolVersions: [2, 3], client: "x")))
        try await expectClosed(.failedPrecondition, hello: false, try frame(future))
        let none = ClientFrame(.hello(ClientHello(protocolVersions: [], client: "x")))
        try await expectClosed(.failedPrecondition, hello: false, try frame(none))
        let call = ClientFrame(callID: 1, .hello(ClientHello(protocolVersions: [1], client: "x")))
        try await expectClosed(.invalidArgument, hello: false, try frame(call))
    }

    @Test func theHighestCommonVersionIsChosen() async throws {
        try await withServer { live in
            let client = try RawClient(path: live.path)
            try await client.send(ClientFrame(.hello(ClientHello(protocolVersions: [99, 1, 7], client: "x"))))
            guard case .hello(let hello) = try await client.receive()?.body else {
                Issue.record("no hello")
                return
            }
            #expect(hello.protocolVersion == 1)
            #expect(hello.maxRequestBytes == 1 << 20)
            #expect(hello.maxReplyBytes == 4 << 20)
        }
    }

    @Test func callIDRules() async throws {
        let call = StartCall(method: UnaryMethod.tokenize.path, request: [])
        // Zero, used twice, never started; a ping that claims to be a call.
        try await expectClosed(.invalidArgument, try frame(ClientFrame(callID: 0, .start(call))))
        try await expectClosed(.invalidArgument, try frame(ClientFrame(callID: 9, .cancel)))
        try await expectClosed(.invalidArgument, try frame(ClientFrame(callID: 0, .endStream)))
        try await expectClosed(.invalidArgument, try frame(ClientFrame(callID: 5, .ping)))
        try await withServer { live in
            let client = try await RawClient.greeted(path: live.path)
            try await client.send(ClientFrame(callID: 7, .start(call)))
            #expect(try await client.receiveAnswer()?.callID == 7)
            #expect(try await client.receiveAnswer()?.status?.code == .ok)
            // Late frames of an ended call are ignored.
            for body in [ClientFrame.Body.cancel, .credit(1), .endStream, .message([1])] {
                try await client.send(ClientFrame(callID: 7, body))
            }
            try await client.send(ClientFrame(.ping))
            #expect(try await client.receiveAnswer()?.body == .pong)
            try await client.send(ClientFrame(callID: 7, .start(call)))
            let end = try await client.receiveAnswer()
            #expect(end?.callID == 0)
            #expect(end?.status?.code == .invalidArgument)
            #expect(try await client.isClosed())
        }
    }

    @Test func anUnknownMethodIsAnsweredAndTheConnectionKept() async throws {
        try await withServer { live in
            let client = try await RawClient.greeted(path: live.path)
            for (id, method) in ["/lens.v1.Inference/Fly", "", "\u{1b}[2J"].enumerated() {
                let call = StartCall(method: method, request: [])
                try await client.send(ClientFrame(callID: UInt32(id + 1), .start(call)))
                let answer = try await client.receiveAnswer()
                #expect(answer?.callID == UInt32(id + 1))
                #expect(answer?.status?.code == .unimplemented)
                #expect(answer?.status?.message.utf8.contains(0x1b) == false)
            }
            let odd = StartCall(method: [255, 254], request: [])
            try await client.send(ClientFrame(callID: 10, .start(odd)))
            #expect(try await client.receiveAnswer()?.status?.code == .unimplemented)
            try await client.send(try .start(11, .tokenize, .of("x")))
            #expect(try await client.receiveAnswer()?.callID == 11)
            #expect(try await client.receiveAnswer()?.status?.code == .ok)
        }
    }

    @Test func impossibleValuesAreAnsweredAndTheConnectionKept() async throws {
        try await withServer { live in
            let client = try await RawClient.greeted(path: live.path)
            // A prompt that is neither text nor tokens; a request id that is too long; a second request message.
            let empty = StartCall(method: UnaryMethod.tokenize.path, request: [0x12, 0])
            try await client.send(ClientFrame(callID: 1, .start(empty)))
            #expect(try await client.receiveAnswer()?.status?.code == .invalidArgument)
            let long = StartCall(
                method: UnaryMethod.tokenize.path, request: [], requestID: [UInt8](repeating: 1, count: 65))
            try await client.send(ClientFrame(callID: 2, .start(long)))
            let answer = try await client.receiveAnswer()
            #expect(answer?.status?.code == .invalidArgument)
            #expect(answer?.status?.message.contains("request_id") == true)
            try await client.send(try .start(3, .run, .lasting(milliseconds: 5000)))
            try await client.send(ClientFrame(callID: 3, .message([])))
            #expect(try await client.receiveAnswer()?.status?.code == .invalidArgument)
            try await client.send(ClientFrame(.ping))
            #expect(try await client.receiveAnswer()?.body == .pong)
        }
    }

    @Test func errorsOfHandlersBecomeStatusesByType() async throws {
        struct Secret: Error {}
        var router = Router()
        router.unary(.run) { request, _ in
            switch request.topCount {
            case 0: throw LensError.notFound("no run")
            case 1: throw Secret()
            case 2: throw CancellationError()
            default: throw LensError(.dataLoss, String(repeating: "ä", count: 10_000))
            }
        }
        try await withServer(router) { live in
            let connection = try live.connect()
            func status(_ number: Int) async -> LensError? {
                do {
                    _ = try await connection.run(.lasting(milliseconds: number))
                    return nil
                } catch {
                    return error
                }
            }
            #expect(await status(0) == .notFound("no run"))
            #expect(
                await status(1)
                    == LensError(.internal, "an internal error; the daemon's log says more under request=1.2"))
            #expect(await status(2)?.code == .cancelled)
            let long = await status(3)
            #expect(long?.code == .dataLoss)
            #expect((long?.message.utf8.count ?? 0) < 5000)
        }
    }
}
