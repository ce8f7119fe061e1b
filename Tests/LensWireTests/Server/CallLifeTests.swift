import LensClient
import LensCore
import LensWire
import Synchronization
import Testing

/// Deadlines, cancelling, windows, half-closing, calls side by side.
@Suite struct CallLifeTests {
    /// What handlers that wait for their end have seen.
    final class Witness: Sendable {
        let ends = Mutex<[StatusCode]>([])
        let running = Atomic<Int>(0)

        /// Works like an engine: looks at the flag, knows nothing of tasks.
        func workUntilTold(_ control: CallControl) async throws {
            running.add(1, ordering: .relaxed)
            defer { running.subtract(1, ordering: .relaxed) }
            while true {
                do {
                    try control.check()
                } catch {
                    ends.withLock { $0.append(error.code) }
                    throw error
                }
                await Self.nap()
            }
        }

        /// A pause that cancelling the task does not end.
        private static func nap() async {
            await Task.detached { try? await Task.sleep(for: .milliseconds(5)) }.value
        }

        func waitForEnds(_ count: Int) async throws -> [StatusCode] {
            for _ in 0..<1000 {
                let ends = ends.withLock { $0 }
                if ends.count >= count { return ends }
                try await Task.sleep(for: .milliseconds(5))
            }
            return ends.withLock { $0 }
        }

        var router: Router {
            var router = Router.echo
            router.unary(.run) { [self] _, context in
                try await workUntilTold(context.control)
                throw LensError(.internal, "never")
            }
            return router
        }
    }

    @Test func aLateCallEndsAtItsDeadline() async throws {
        let witness = Witness()
        try await withServer(witness.router) { live in
            let connection = try live.connect()
            let clock = ContinuousClock()
            let start = clock.now
            await #expect(throws: LensError.deadlineExceeded) {
                try await connection.run(.lasting(milliseconds: 0), options: CallOptions(timeout: .milliseconds(100)))
            }
            #expect(clock.now - start >= .milliseconds(100))
            #expect(clock.now - start < .seconds(3))
            #expect(try await witness.waitForEnds(1) == [.deadlineExceeded])
            #expect(try await connection.tokenize(.of("x")).tokens.count == 1)
        }
    }

    @Test func unaryCallsHaveADeadlineOfTheirOwn() async throws {
        var limits = WireLimits()
        limits.unaryTimeout = .milliseconds(50)
        try await withServer(limits: limits) { live in
            let connection = try live.connect()
            await #expect(throws: LensError.deadlineExceeded) {
                try await connection.run(.lasting(milliseconds: 60_000))
            }
            // One that says more gets more.
            let options = CallOptions(timeout: .seconds(20))
            #expect(try await connection.run(.lasting(milliseconds: 200), options: options).loss == 0.5)
        }
        #expect(MethodKind.unary.defaultTimeout == .seconds(60))
        #expect(MethodKind.serverStreaming.defaultTimeout == nil)
    }

    @Test func cancellingTheTaskCancelsTheCall() async throws {
        let witness = Witness()
        try await withServer(witness.router) { live in
            let connection = try live.connect()
            let task = Task { try await connection.run(.lasting(milliseconds: 0)) }
            while witness.running.load(ordering: .relaxed) == 0 { try await Task.sleep(for: .milliseconds(2)) }
            task.cancel()
            await #expect(throws: LensError.cancelled) { try await task.value }
            #expect(try await witness.waitForEnds(1) == [.cancelled])
            #expect(try await connection.tokenize(.of("x")).tokens.count == 1)
        }
    }

    @Test func aCancelFrameIsAnswered() async throws {
        try await withServer { live in
            let client = try await RawClient.greeted(path: live.path)
            try await client.send(try .start(1, .run, .lasting(milliseconds: 60_000)))
            try await client.send(ClientFrame(callID: 1, .cancel))
            let answer = try await client.receiveAnswer()
            #expect(answer?.callID == 1)
            #expect(answer?.status?.code == .cancelled)
            try await client.send(ClientFrame(.ping))
            #expect(try await client.receiveAnswer()?.body == .pong)
        }
    }

    @Test func aConnectionThatGoesCancelsItsCalls() async throws {
        let witness = Witness()
        try await withServer(witness.router) { live in
            var client: RawClient? = try await RawClient.greeted(path: live.path)
            try await client?.send(try .start(1, .run, .lasting(milliseconds: 0)))
            try await client?.send(try .start(2, .run, .lasting(milliseconds: 0)))
            while witness.running.load(ordering: .relaxed) < 2 { try await Task.sleep(for: .milliseconds(2)) }
            client = nil
            #expect(try await witness.waitForEnds(2) == [.cancelled, .cancelled])
            for _ in 0..<500 where live.ledger.connectionCount > 0 { try await Task.sleep(for: .milliseconds(5)) }
            #expect(live.ledger.connectionCount == 0)
        }
    }

    @Test func callsRunSideBySide() async throws {
        try await withServer { live in
            let connection = try live.connect()
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<60 {
                    group.addTask {
                        if number % 3 == 0 {
                            let reply = try await connection.run(.lasting(milliseconds: 20 - number % 20))
                            #expect(reply.loss == 0.5)
                        } else {
                            let text = "prompt \(number)"
                            let reply = try await connection.tokenize(.of(text))
                            #expect(reply.tokens.first?.first?.text == text)
                        }
                    }
                }
                try await group.waitForAll()
            }
        }
    }

    @Test func aShortCallOvertakesALongOne() async throws {
        try await withServer { live in
            let client = try await RawClient.greeted(path: live.path)
            try await client.send(try .start(1, .run, .lasting(milliseconds: 300)))
            try await client.send(try .start(2, .tokenize, .of("x")))
            #expect(try await client.receiveAnswer()?.callID == 2)
            #expect(try await client.receiveAnswer()?.callID == 2)
            #expect(try await client.receiveAnswer()?.callID == 1)
        }
    }

    @Test func aCallInFlightOverTheLimitIsRefused() async throws {
        var limits = WireLimits()
        limits.callsPerConnection = 3
        try await withServer(limits: limits) { live in
            let client = try await RawClient.greeted(path: live.path)
            for id in 1...3 { try await client.send(try .start(UInt32(id), .run, .lasting(milliseconds: 200))) }
            try await client.send(try .start(4, .run, .lasting(milliseconds: 1)))
            let refusal = try await client.receiveAnswer()
            #expect(refusal?.callID == 4)
            #expect(refusal?.status?.code == .resourceExhausted)
            var good = 0
            while good < 3, let frame = try await client.receiveAnswer() {
                if frame.status?.code == .ok { good += 1 }
            }
            // Room again.
            try await client.send(try .start(5, .tokenize, .of("x")))
            #expect(try await client.receiveAnswer()?.callID == 5)
        }
    }

    @Test func callsOfAUserOverAllConnectionsAreLimited() async throws {
        var limits = WireLimits()
        limits.callsPerUser = 2
        let gate = Gate()
        try await withServer(gate.router, limits: limits) { live in
            let first = try await RawClient.greeted(path: live.path)
            let second = try await RawClient.greeted(path: live.path)
            try await first.send(try .start(1, .run, .lasting(milliseconds: 0)))
            try await second.send(try .start(1, .run, .lasting(milliseconds: 0)))
            try await gate.waitForHeld(2)
            try await second.send(try .start(2, .tokenize, .of("x")))
            let refusal = try await second.receiveAnswer()
            #expect(refusal?.callID == 2)
            #expect(refusal?.status?.code == .resourceExhausted)
            gate.open()
            #expect(try await first.receiveAnswer()?.callID == 1)
            #expect(try await first.receiveAnswer()?.status?.code == .ok)
        }
    }

    // MARK: - Windows

    @Test func aStreamStopsAtItsWindow() async throws {
        try await withServer { live in
            let client = try await RawClient.greeted(path: live.path)
            let query = QueryRequest(source: .run("last"), hook: "100")
            // The header and 3 chunks of 64 KiB overdraw 150 KB.
            try await client.send(try .start(1, .query, query, window: 150_000))
            var messages = 0
            for _ in 0..<4 {
                if case .message = try await client.receiveAnswer()?.body { messages += 1 }
            }
            #expect(messages == 4)
            await #expect(throws: LensError.self) { try await client.receiveAnswer(within: .milliseconds(200)) }
            // Others are not held up.
            try await client.send(try .start(2, .tokenize, .of("x")))
            #expect(try await client.receiveAnswer()?.callID == 2)
            #expect(try await client.receiveAnswer()?.status?.code == .ok)
            // What was overdrawn is paid back first.
            try await client.send(ClientFrame(callID: 1, .credit(40_000)))
            await #expect(throws: LensError.self) { try await client.receiveAnswer(within: .milliseconds(100)) }
            try await client.send(ClientFrame(callID: 1, .credit(100_000_000)))
            var rest = 0
            while let frame = try await client.receiveAnswer() {
                if let status = frame.status {
                    #expect(status.code == .ok)
                    break
                }
                rest += 1
            }
            #expect(rest == 97)
        }
    }

    @Test func aReaderThatTakesNothingHoldsUpNobodyAndIsClosed() async throws {
        var limits = WireLimits()
        limits.stallTimeout = .milliseconds(600)
        try await withServer(limits: limits) { live in
            let slow = try await RawClient.greeted(path: live.path)
            let query = QueryRequest(source: .run("last"), hook: "2000")
            for id in 1...4 { try await slow.send(try .start(UInt32(id), .query, query, window: .max)) }
            let good = try live.connect()
            let clock = ContinuousClock()
            let start = clock.now
            var worst = Duration.zero
            while live.ledger.connectionCount == 2, clock.now - start < .seconds(10) {
                worst = max(worst, try await clock.measure { _ = try await good.tokenize(.of("x")) })
            }
            #expect(live.ledger.connectionCount == 1)
            #expect(clock.now - start >= .milliseconds(500))
            #expect(worst < .seconds(2))
        }
    }

    @Test func aStreamWithoutCreditIsEnded() async throws {
        var limits = WireLimits()
        limits.stallTimeout = .milliseconds(200)
        try await withServer(limits: limits) { live in
            let client = try await RawClient.greeted(path: live.path)
            try await client.send(try .start(1, .query, QueryRequest(source: .run("last"), hook: "100"), window: 1))
            guard case .message = try await client.receiveAnswer()?.body else {
                Issue.record("no message")
                return
            }
            #expect(try await client.receiveAnswer()?.status?.code == .resourceExhausted)
            try await client.send(ClientFrame(.ping))
            #expect(try await client.receiveAnswer()?.body == .pong)
        }
    }

    @Test func droppingAStreamCancelsItsCall() async throws {
        final class Box: Sendable {
            private let ended = Atomic<Bool>(false)
            var isEnded: Bool { ended.load(ordering: .relaxed) }
            func end() { ended.store(true, ordering: .relaxed) }
        }
        let box = Box()
        var router = Router()
        router.streaming(.query) { _, _, sink in
            do {
                while true { try await sink.send(.values(ValueBytes([UInt8](repeating: 0, count: 1000)))) }
            } catch {
                box.end()
                throw error
            }
        }
        try await withServer(router) { live in
            let connection = try live.connect()
            var count = 0
            for try await _ in try connection.queryEvents(QueryRequest(source: .run("last"), hook: "x")) {
                count += 1
                if count == 10 { break }
            }
            for _ in 0..<500 where !box.isEnded { try await Task.sleep(for: .milliseconds(5)) }
            #expect(box.isEnded)
        }
    }

    // MARK: - The ends of a connection

    @Test func halfClosingStillBringsTheAnswers() async throws {
        try await withServer { live in
            let client = try RawClient(path: live.path)
            try await client.send(.hello)
            try await client.send(try .start(1, .run, .lasting(milliseconds: 150)))
            try await client.send(try .start(2, .query, QueryRequest(source: .run("last"), hook: "30")))
            client.endSending()
            var ends: [UInt32: StatusCode] = [:]
            var messages = 0
            while let frame = try await client.receive() {
                if let status = frame.status { ends[frame.callID] = status.code }
                if case .message = frame.body { messages += 1 }
            }
            #expect(ends == [1: .ok, 2: .ok])
            #expect(messages == 32)
        }
    }

    @Test func silenceIsFilledWithHeartbeats() async throws {
        var limits = WireLimits()
        limits.heartbeatInterval = .milliseconds(40)
        try await withServer(limits: limits) { live in
            let client = try await RawClient.greeted(path: live.path)
            try await client.send(try .start(1, .run, .lasting(milliseconds: 500)))
            let start = ContinuousClock.now
            var heartbeats = 0
            while let frame = try await client.receive(), frame.status == nil {
                if frame.body == .heartbeat { heartbeats += 1 }
            }
            #expect(heartbeats >= 3)
            #expect(heartbeats <= Int((ContinuousClock.now - start) / .milliseconds(40)) + 1)
        }
    }
}
