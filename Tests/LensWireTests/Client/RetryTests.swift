import LensClient
import LensCore
import LensWire
import Synchronization
import Testing

/// What a client tries again, how often, and with which request id.
@Suite struct RetryTests {
    /// A router whose calls end as a script says, and then well.
    private final class Script: Sendable {
        private let failures: Mutex<[LensError]>
        private let seen = Mutex<[[UInt8]]>([])

        init(_ failures: LensError...) { self.failures = Mutex(failures) }

        /// The request ids of all tries.
        var requestIDs: [[UInt8]] { seen.withLock { $0 } }

        private func step(_ context: CallContext) throws {
            seen.withLock { $0.append(context.requestID) }
            let failure = failures.withLock { $0.isEmpty ? nil : $0.removeFirst() }
            if let failure { throw failure }
        }

        var router: Router {
            var router = Router()
            router.unary(.tokenize) { _, context in
                try self.step(context)
                return TokenizeReply(model: "m", tokens: [], texts: [])
            }
            router.unary(.run) { _, context in
                try self.step(context)
                return RunReply(runID: "", model: "m", form: .processed, fingerprint: "f", loss: 0.5, prompts: [])
            }
            router.unary(.unloadModel) { _, context in
                try self.step(context)
                return false
            }
            router.streaming(.attentionPage) { _, context, sink in
                // Half of a page goes out before the failure.
                try await sink.send([1])
                try self.step(context)
                try await sink.send([2])
            }
            router.streaming(.generate) { _, context, sink in
                try await sink.send(.tokens([Self.tokens(1, "a")]))
                try self.step(context)
                try await sink.send(.tokens([Self.tokens(2, "b")]))
                try await sink.send(
                    .end(
                        GenerateReply(
                            runID: "", model: "m", form: .processed, fingerprint: "f",
                            options: GenerationOptions(maxNewTokens: 2),
                            prompts: [])))
            }
            return router
        }

        private static func tokens(_ id: Int32, _ text: String) -> GeneratedTokens {
            GeneratedTokens(
                prompt: 0, tokens: [GeneratedToken(token: Token(id: id, text: text), logprob: -1)], text: text)
        }
    }

    private static let quick = RetryPolicy(
        patience: .seconds(3), firstDelay: .milliseconds(5), longestDelay: .milliseconds(20))
    private static let draining = LensError.unavailable("the daemon is shutting down")
    private static let page = AttentionPageRequest(
        model: ModelReference(name: "m"), prompt: .text("x", prependBOS: true))

    private func connect(_ live: LiveServer, retry: RetryPolicy? = Self.quick) throws -> LensConnection {
        try LensConnection.connect(path: live.path, client: "test/1", retry: retry)
    }

    @Test func readingCallsAreMadeAgain() async throws {
        let script = Script(Self.draining, Self.draining)
        try await withServer(script.router) { live in
            _ = try await connect(live).tokenize(.of("x"))
        }
        #expect(script.requestIDs == [[], [], []])
    }

    @Test func everyTryOfAWritingCallHasOneRequestID() async throws {
        let script = Script(Self.draining)
        try await withServer(script.router) { live in
            let connection = try connect(live)
            for _ in 0..<2 { #expect(try await connection.run(.lasting(milliseconds: 0)).loss == 0.5) }
        }
        let ids = script.requestIDs
        #expect(ids.count == 3 && ids[0] == ids[1] && ids[1] != ids[2] && ids.allSatisfy { $0.count == 16 })
    }

    @Test func otherWritingCallsAreNot() async throws {
        let script = Script(Self.draining)
        try await withServer(script.router) { live in
            let connection = try connect(live)
            await #expect {
                try await connection.unloadModel("x")
            } throws: { error in
                (error as? LensError)?.message.contains("may have been carried out") == true
            }
        }
        #expect(script.requestIDs.count == 1)
    }

    @Test func aBusyDaemonIsAskedAgainWhenItSays() async throws {
        let script = Script(.resourceExhausted("full", retryAfter: .milliseconds(150)))
        let started = ContinuousClock.now
        try await withServer(script.router) { live in
            _ = try await connect(live).tokenize(.of("x"))
        }
        #expect(script.requestIDs.count == 2)
        #expect(ContinuousClock.now - started >= .milliseconds(150))
    }

    @Test(arguments: [
        LensError.resourceExhausted("the disk is full"), .notFound("no"), .dataLoss("damaged"),
        LensError(.aborted, "no"),
    ])
    func otherEndingsAreFinal(_ ending: LensError) async throws {
        let script = Script(ending)
        try await withServer(script.router) { live in
            let connection = try connect(live)
            await #expect(throws: ending) { try await connection.tokenize(.of("x")) }
        }
        #expect(script.requestIDs.count == 1)
    }

    @Test func aWholeIsMadeOfOneTry() async throws {
        let script = Script(Self.draining, Self.draining)
        try await withServer(script.router) { live in
            let page = try await connect(live).attentionPage(Self.page)
            #expect(page == [1, 2])
        }
    }

    @Test func aGenerationGoesOnBehindWhatWasGivenOut() async throws {
        let script = Script(Self.draining)
        try await withServer(script.router) { live in
            let request = GenerateRequest(
                model: ModelReference(name: "m"), prompts: [.text("x", prependBOS: true)],
                options: GenerationOptions(maxNewTokens: 2))
            var text = ""
            _ = try await connect(live).generate(request) { news in for each in news { text += each.text } }
            #expect(text == "ab")
        }
        let ids = script.requestIDs
        #expect(ids.count == 2 && ids[0] == ids[1] && ids[0].count == 16)
    }

    @Test func aDaemonThatRestartsIsWaitedFor() async throws {
        let folder = try temporaryFolder()
        defer { removeFolder(folder) }
        func serve() async throws -> WireServer {
            try await WireServer.start(
                .echo, on: try ListeningSocket.bind(path: folder + "/s"), server: "lensd/test", logger: .silent)
        }
        let first = try await serve()
        let waits = Mutex<[StatusCode]>([])
        var policy = Self.quick
        policy.onWait = { error in waits.withLock { $0.append(error.code) } }
        let connection = try LensConnection.connect(path: folder + "/s", retry: policy)
        _ = try await connection.tokenize(.of("x"))
        await first.shutdown(grace: .zero)
        async let reply = connection.tokenize(.of("y"))
        try await Task.sleep(for: .milliseconds(100))
        let second = try await serve()
        #expect(try await reply.tokens.first?.first?.text == "y")
        #expect(waits.withLock { !$0.isEmpty && $0.allSatisfy { $0 == .unavailable } })
        await second.shutdown(grace: .zero)
    }

    @Test func aDaemonThatStaysAwayIsGivenUp() async throws {
        let started = ContinuousClock.now
        var connection: LensConnection?
        try await withServer { live in
            var policy = Self.quick
            policy.patience = .milliseconds(200)
            connection = try connect(live, retry: policy)
        }
        let gone = try #require(connection)
        await #expect {
            try await gone.tokenize(.of("x"))
        } throws: { error in
            (error as? LensError)?.code == .unavailable && (error as? LensError)?.message.contains("tried") == true
        }
        #expect(ContinuousClock.now - started < .seconds(5))
    }

    @Test func cancellingEndsTheWaiting() async throws {
        var connection: LensConnection?
        try await withServer { live in
            connection = try connect(
                live, retry: RetryPolicy(patience: .seconds(60), firstDelay: .seconds(30), longestDelay: .seconds(30)))
        }
        let gone = try #require(connection)
        let started = ContinuousClock.now
        let waiting = Task { try await gone.tokenize(.of("x")) }
        try await Task.sleep(for: .milliseconds(50))
        waiting.cancel()
        await #expect(throws: LensError.cancelled) { try await waiting.value }
        #expect(ContinuousClock.now - started < .seconds(5))
    }
}
