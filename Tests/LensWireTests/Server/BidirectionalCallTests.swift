import LensCore
import LensWire
import Synchronization
import Testing

/// Calls whose requests are a stream: their messages, their credit, their clocks and their ends.
@Suite struct BidirectionalCallTests {
    typealias Echo = BidirectionalMethod<TokenizeRequest, TokenizeReply>

    static let echo = Echo(
        path: "/lens.v1.Test/Echo", message: UnaryMethod.tokenize.request, event: UnaryMethod.tokenize.reply)

    /// How handlers ended.
    final class Ends: Sendable {
        let codes = Mutex<[StatusCode]>([])

        func first(within limit: Duration = .seconds(5)) async throws -> StatusCode? {
            let end = ContinuousClock.now + limit
            while ContinuousClock.now < end {
                if let code = codes.withLock({ $0.first }) { return code }
                try await Task.sleep(for: .milliseconds(2))
            }
            return nil
        }
    }

    /// Answers each message with its text; the first message's text says what else: `slow` takes no further message,
    /// `deaf` returns at once.
    private func router(_ ends: Ends = Ends()) -> Router {
        var router = Router.echo
        router.bidirectional(Self.echo) { first, messages, context, replies in
            do {
                try await replies.send(.echoing(first))
                if first.firstText == "deaf" { return }
                if first.firstText == "slow" { try await Task.sleep(for: .seconds(60)) }
                while let message = try await messages.next() { try await replies.send(.echoing(message)) }
                ends.codes.withLock { $0.append(.ok) }
            } catch {
                ends.codes.withLock { $0.append((error as? LensError)?.code ?? .cancelled) }
                throw error
            }
        }
        return router
    }

    private func start(_ text: String, deadline: UInt64 = 0, id: UInt32 = 1) throws -> ClientFrame {
        let request = try Self.echo.message.encode(.of(text))
        return ClientFrame(
            callID: id,
            .start(
                StartCall(
                    method: Self.echo.path, request: request, deadlineMilliseconds: deadline, window: .max)))
    }

    private func message(_ text: String, id: UInt32 = 1) throws -> ClientFrame {
        ClientFrame(callID: id, .message(try Self.echo.message.encode(.of(text))))
    }

    /// A message of about so many bytes.
    private func message(bytes: Int) throws -> ClientFrame { try message(String(repeating: "x", count: bytes)) }

    private func text(of frame: ServerFrame?) throws -> String? {
        guard case .message(let bytes)? = frame?.body else { return nil }
        return try Self.echo.event.decode(bytes).model
    }

    @Test func messagesGoBothWaysUntilTheClientEndsItsStream() async throws {
        let ends = Ends()
        try await withServer(router(ends)) { live in
            let client = try await RawClient.greeted(path: live.path)
            try await client.send(try start("first"))
            #expect(try text(of: await client.receiveAnswer()) == "first")
            for number in 0..<20 {
                try await client.send(try message("m\(number)"))
                #expect(try text(of: await client.receiveAnswer()) == "m\(number)")
            }
            // Several under way at once keep their order; the end comes after them.
            for number in 0..<5 { try await client.send(try message("n\(number)")) }
            try await client.send(ClientFrame(callID: 1, .endStream))
            for number in 0..<5 { #expect(try text(of: await client.receiveAnswer()) == "n\(number)") }
            #expect(try await client.receiveAnswer()?.status?.code == .ok)
            #expect(try await ends.first() == .ok)
        }
    }

    @Test func creditComesBackAsTheHandlerTakesMessages() async throws {
        try await withServer(router()) { live in
            let client = try await RawClient.greeted(path: live.path)
            try await client.send(try start("first"))
            #expect(try text(of: await client.receiveAnswer()) == "first")
            var credit = 4 << 20
            let piece = try message(bytes: 600_000)
            for _ in 0..<30 {
                guard case .message(let bytes) = piece.body else { return }
                #expect(credit > 0)
                try await client.send(piece)
                credit -= bytes.count
                var isAnswered = false
                while !isAnswered {
                    switch try await client.receiveAnswer()?.body {
                    case .credit(let more): credit += Int(more)
                    case .message: isAnswered = true
                    case let other: Issue.record("received \(String(describing: other))"); return
                    }
                }
            }
            #expect(credit <= 4 << 20)
            #expect(credit > 2 << 20)
        }
    }

    @Test func aClientWithoutCreditLosesItsCallAndNothingElse() async throws {
        var limits = WireLimits()
        limits.requestWindow = 100_000
        try await withServer(router(), limits: limits) { live in
            let client = try await RawClient.greeted(path: live.path)
            try await client.send(try start("slow"))
            #expect(try text(of: await client.receiveAnswer()) == "slow")
            // The first leaves a little credit, the second overdraws it, the third has none.
            for _ in 0..<3 { try await client.send(try message(bytes: 99_000)) }
            let status = try await client.receiveAnswer()?.status
            #expect(status?.code == .resourceExhausted)
            #expect(status?.message.contains("100000") == true)
            try await client.send(try .start(2, .tokenize, .of("x")))
            #expect(try await client.receiveAnswer()?.callID == 2)
        }
    }

    @Test func emptyMessagesCannotPileUp() async throws {
        try await withServer(router()) { live in
            let client = try await RawClient.greeted(path: live.path)
            try await client.send(try start("slow"))
            #expect(try text(of: await client.receiveAnswer()) == "slow")
            for _ in 0..<1025 { try await client.send(ClientFrame(callID: 1, .message([]))) }
            #expect(try await client.receiveAnswer()?.status?.code == .resourceExhausted)
        }
    }

    /// What nobody took is given back to the user's account, however the call ended.
    @Test func bytesThatWaitedAreReleased() async throws {
        var limits = WireLimits()
        limits.bufferedBytesPerUser = 5 << 20
        try await withServer(router(), limits: limits) { live in
            for round in 0..<6 {
                let client = try await RawClient.greeted(path: live.path)
                try await client.send(try start("slow"))
                #expect(try text(of: await client.receiveAnswer()) == "slow")
                for _ in 0..<4 { try await client.send(try message(bytes: 900_000)) }
                try await client.send(ClientFrame(.ping))
                #expect(try await client.receiveAnswer()?.body == .pong, "round \(round)")
                if round % 2 == 0 {
                    try await client.send(ClientFrame(callID: 1, .cancel))
                    #expect(try await client.receiveAnswer()?.status?.code == .cancelled)
                }
            }
        }
    }

    @Test func whatIsSentToAHandlerThatReturnedIsIgnored() async throws {
        try await withServer(router()) { live in
            let client = try await RawClient.greeted(path: live.path)
            try await client.send(try start("deaf"))
            #expect(try text(of: await client.receiveAnswer()) == "deaf")
            #expect(try await client.receiveAnswer()?.status?.code == .ok)
            try await client.send(try message("late"))
            try await client.send(ClientFrame(callID: 1, .endStream))
            try await client.send(ClientFrame(.ping))
            #expect(try await client.receiveAnswer()?.body == .pong)
        }
    }

    @Test func noMessageFollowsTheEndOfTheStream() async throws {
        try await withServer(router()) { live in
            let client = try await RawClient.greeted(path: live.path)
            try await client.send(try start("slow"))
            #expect(try text(of: await client.receiveAnswer()) == "slow")
            try await client.send(ClientFrame(callID: 1, .endStream))
            try await client.send(try message("late"))
            #expect(try await client.receiveAnswer()?.status?.code == .invalidArgument)
        }
    }

    @Test func bytesThatAreNoMessageCloseTheConnection() async throws {
        try await withServer(router()) { live in
            let client = try await RawClient.greeted(path: live.path)
            try await client.send(try start("first"))
            #expect(try text(of: await client.receiveAnswer()) == "first")
            try await client.send(ClientFrame(callID: 1, .message([0xff, 0xff])))
            #expect(try await client.receiveAnswer()?.status?.code == .invalidArgument)
            #expect(try await client.isClosed())
        }
    }

    // MARK: - Clocks and ends

    @Test func theDeadlineStandsStillWhileTheHandlerWaits() async throws {
        try await withServer(router()) { live in
            let client = try await RawClient.greeted(path: live.path)
            try await client.send(try start("first", deadline: 300))
            #expect(try text(of: await client.receiveAnswer()) == "first")
            for _ in 0..<3 {
                try await Task.sleep(for: .milliseconds(250))
                try await client.send(try message("thought about"))
                #expect(try text(of: await client.receiveAnswer()) == "thought about")
            }
            try await client.send(ClientFrame(callID: 1, .endStream))
            #expect(try await client.receiveAnswer()?.status?.code == .ok)
        }
    }

    @Test func theDeadlineRunsWhileTheHandlerWorks() async throws {
        let ends = Ends()
        try await withServer(router(ends)) { live in
            let client = try await RawClient.greeted(path: live.path)
            try await client.send(try start("slow", deadline: 100))
            #expect(try text(of: await client.receiveAnswer()) == "slow")
            #expect(try await client.receiveAnswer()?.status?.code == .deadlineExceeded)
            #expect(try await ends.first() != nil)
        }
    }

    @Test func aClientThatThinksTooLongIsLate() async throws {
        var limits = WireLimits()
        limits.parkTimeout = .milliseconds(150)
        limits.heartbeatInterval = .milliseconds(40)
        let ends = Ends()
        try await withServer(router(ends), limits: limits) { live in
            let client = try await RawClient.greeted(path: live.path)
            try await client.send(try start("first"))
            #expect(try text(of: await client.receiveAnswer()) == "first")
            var heartbeats = 0
            while let frame = try await client.receive() {
                if frame.body == .heartbeat { heartbeats += 1 }
                guard let status = frame.status else { continue }
                #expect(status.code == .deadlineExceeded)
                #expect(status.message.contains("0.15 seconds for an answer"))
                break
            }
            #expect(heartbeats >= 2)
            #expect(try await ends.first() == .deadlineExceeded)
        }
    }

    @Test func cancellingEndsAHandlerThatWaits() async throws {
        let ends = Ends()
        try await withServer(router(ends)) { live in
            let client = try await RawClient.greeted(path: live.path)
            try await client.send(try start("first"))
            #expect(try text(of: await client.receiveAnswer()) == "first")
            try await client.send(ClientFrame(callID: 1, .cancel))
            #expect(try await client.receiveAnswer()?.status?.code == .cancelled)
            #expect(try await ends.first(within: .milliseconds(500)) == .cancelled)
        }
    }

    @Test func aClientThatGoesEndsAHandlerThatWaits() async throws {
        let ends = Ends()
        try await withServer(router(ends)) { live in
            var client: RawClient? = try await RawClient.greeted(path: live.path)
            try await client?.send(try start("first"))
            #expect(try text(of: await client?.receiveAnswer()) == "first")
            client = nil
            #expect(try await ends.first(within: .milliseconds(500)) != nil)
        }
    }

    @Test func halfClosingTheSocketEndsTheStream() async throws {
        try await withServer(router()) { live in
            let client = try await RawClient.greeted(path: live.path)
            try await client.send(try start("first"))
            try await client.send(try message("last"))
            client.endSending()
            #expect(try text(of: await client.receiveAnswer()) == "first")
            #expect(try text(of: await client.receiveAnswer()) == "last")
            #expect(try await client.receiveAnswer()?.status?.code == .ok)
        }
    }
}

extension TokenizeRequest {
    fileprivate var firstText: String? {
        if case .text(let text, _)? = prompts.first { text } else { nil }
    }
}

extension TokenizeReply {
    /// Says the first prompt's text.
    fileprivate static func echoing(_ request: TokenizeRequest) -> TokenizeReply {
        TokenizeReply(model: request.firstText ?? "", tokens: [], texts: [])
    }
}
