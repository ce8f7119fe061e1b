import LensClient
import LensCore
import LensWire
import Synchronization
import Testing

/// Which calls there are and were, and who has how many.
@Suite struct CallJournalTests {
    private final class Ended: Sendable {
        let calls = Mutex<[EndedCall]>([])
        func wait(for count: Int) async throws -> [EndedCall] {
            for _ in 0..<1000 where calls.withLock({ $0.count }) < count { try await Task.sleep(for: .milliseconds(5)) }
            return calls.withLock { $0 }
        }
    }

    @Test func everyCallIsToldOnceWithItsStatus() async throws {
        let ended = Ended()
        var router = Router.echo
        router.unary(.run) { _, context in
            let piece = context.control.queueWait.enter()
            try await Task.sleep(for: .milliseconds(20))
            piece.leave()
            throw LensError.notFound("no run")
        }
        try await withServer(router, onEnd: { call in ended.calls.withLock { $0.append(call) } }) { live in
            let first = try live.connect()
            let second = try live.connect()
            await #expect(throws: LensError.self) { try await first.run(.lasting(milliseconds: 0)) }
            await #expect(throws: LensError.self) { try await second.run(.lasting(milliseconds: 0)) }
            // What is no method is not told by what it was called.
            await #expect(throws: LensError.self) { try await first.listModels() }
            let calls = try await ended.wait(for: 3)
            #expect(calls.map(\.status) == [.notFound, .notFound, .unimplemented])
            #expect(calls.map(\.method) == ["/lens.v1.Inference/Run", "/lens.v1.Inference/Run", "unknown"])
            #expect(Set(calls.map(\.name)).count == 3)
            #expect(calls[0].name.connection != calls[1].name.connection)
            #expect(calls[0].name.connection == calls[2].name.connection)
            #expect(calls[0].queueWait >= .milliseconds(20) && calls[0].duration >= calls[0].queueWait)
            let activity = live.journal.activity(of: nil)
            #expect(activity.callsEnded == 3 && activity.callsFailed == 3 && activity.callsInFlight == 0)
            #expect(live.journal.activity(of: 4711).callsEnded == 0)
        }
    }

    @Test func callsInFlightAreListedUntilTheyEnd() async throws {
        let witness = CallLifeTests.Witness()
        try await withServer(witness.router) { live in
            let connection = try live.connect()
            let call = Task { try await connection.run(.lasting(milliseconds: 0)) }
            for _ in 0..<1000 where live.journal.activity(of: nil).callsInFlight == 0 {
                try await Task.sleep(for: .milliseconds(5))
            }
            let activity = live.journal.activity(of: nil)
            #expect(activity.calls.map(\.method) == ["/lens.v1.Inference/Run"])
            #expect(activity.calls.first?.seconds ?? -1 >= 0)
            #expect(live.ledger.amounts.values.map(\.callsInFlight) == [1])
            call.cancel()
            _ = try await witness.waitForEnds(1)
            for _ in 0..<1000 where live.journal.activity(of: nil).callsInFlight > 0 {
                try await Task.sleep(for: .milliseconds(5))
            }
            #expect(live.journal.activity(of: nil).callsFailed == 1)
        }
    }

    @Test func limitsChangeWhileTheServerRuns() async throws {
        var limits = WireLimits()
        limits.connectionsPerUser = 1
        try await withServer(limits: limits) { live in
            let first = try live.connect()
            _ = try await first.run(.lasting(milliseconds: 0))
            await #expect(throws: LensError.self) { _ = try await live.connect().run(.lasting(milliseconds: 0)) }
            live.ledger.limits = WireLimits(quota: SharedAmounts(connections: 2, callsInFlight: 5))
            let second = try live.connect()
            _ = try await second.run(.lasting(milliseconds: 0))
            #expect(live.ledger.connectionCount == 2)
            // Who has more than he may have by now keeps it.
            live.ledger.limits = WireLimits(quota: SharedAmounts(connections: 1, callsInFlight: 5))
            _ = try await second.run(.lasting(milliseconds: 0))
            #expect(live.ledger.amounts.values.map(\.connections) == [2])
        }
    }
}
