import LensCore
import LensStore
import Testing

@Suite struct QuotaTests {
    let folder: TemporaryFolder
    let store: SessionStore

    init() throws {
        folder = try TemporaryFolder()
        store = try Samples.store(folder, accounts: Names().directory)
    }

    @Test func sessionsAreLimited() async throws {
        store.set(quota: SharedAmounts(sessions: 2, storedBytes: 1 << 20))
        for name in ["one", "two"] { _ = try await store.record(Samples.run(name), owner: 1) }
        let error = await lensError { try await store.record(Samples.run("three"), owner: 1) }
        #expect(error?.code == .resourceExhausted)
        #expect(error?.message.contains("the quota 'sessions' is 2, and you have 2") == true)
        #expect(error?.message.contains("such as 'one', which was not used for longest") == true)
        #expect(try await store.counts(owner: 1) == StoreCounts(sessions: 2, runs: 2))
        // Sessions that there are stay usable, other users have their own, and deleting makes room.
        _ = try await store.record(Samples.run("one"), owner: 1)
        _ = try await store.record(Samples.run("three"), owner: 2)
        #expect(try await store.deleteSession("one", by: 1) == 2)
        _ = try await store.record(Samples.run("three"), owner: 1)
    }

    @Test func storedBytesAreLimited() async throws {
        _ = try await store.record(Samples.run("first"), owner: 1)
        let size = try await store.amounts(of: 1).storedBytes
        store.set(quota: SharedAmounts(sessions: 10, storedBytes: 3 * size + size / 2))
        _ = try await store.record(Samples.run("second"), owner: 1)
        _ = try await store.record(Samples.run("second", requestID: "call"), owner: 1)
        let error = await lensError { try await store.record(Samples.run("third"), owner: 1) }
        #expect(error?.code == .resourceExhausted)
        #expect(
            error?.message.contains(
                "the quota 'stored' is \(3 * size + size / 2) bytes, you use \(3 * size), and this would add \(size)")
                == true)
        #expect(error?.message.contains("such as 'second', which has \(2 * size) bytes") == true)
        // The refused write left nothing, not even its session.
        #expect(try await store.amounts(of: 1) == SharedAmounts(sessions: 2, storedBytes: 3 * size))
        // A retry of what is recorded is no write.
        _ = try await store.record(Samples.run("second", requestID: "call"), owner: 1)
        _ = try await store.deleteSession("first", by: 1)
        _ = try await store.record(Samples.run("third"), owner: 1)
    }

    /// A quota below what somebody has stops his writes and nothing else.
    @Test func aQuotaMayBeLoweredAtAnyTime() async throws {
        for name in ["one", "two", "three"] { _ = try await store.record(Samples.run(name), owner: 1) }
        store.set(quota: SharedAmounts(sessions: 1, storedBytes: 100))
        #expect(await lensError { try await store.record(Samples.run("one"), owner: 1) }?.code == .resourceExhausted)
        #expect(try await store.run("last", for: 1).summary.session == "three")
        _ = try await store.deleteSession("one", by: 1)
        #expect(try await store.sessions(for: 1).count == 2)
        store.set(quota: SharedAmounts(sessions: 1, storedBytes: 1 << 20))
        _ = try await store.record(Samples.run("two"), owner: 1)
        #expect(await lensError { try await store.record(Samples.run("four"), owner: 1) }?.code == .resourceExhausted)
    }

    @Test func whetherThereIsRoomIsKnownBefore() async throws {
        try await store.checkRecording(into: "any", owner: 1)
        #expect(await lensError { try await store.checkRecording(into: "", owner: 1) }?.code == .invalidArgument)
        _ = try await store.record(Samples.run("one", requestID: "call"), owner: 1)
        store.set(quota: SharedAmounts(sessions: 1, storedBytes: 1 << 20))
        try await store.checkRecording(into: "one", owner: 1)
        #expect(
            await lensError { try await store.checkRecording(into: "two", owner: 1) }?.code == .resourceExhausted)
        store.set(quota: SharedAmounts(sessions: 9, storedBytes: 100))
        #expect(
            await lensError { try await store.checkRecording(into: "one", owner: 1) }?.code == .resourceExhausted)
        try await store.checkRecording(into: "one", owner: 2)
        // What is recorded already may be asked for again.
        #expect(
            await lensError { try await store.checkRecording(into: "one", requestID: [1], owner: 1) }?.code
                == .resourceExhausted)
        try await store.checkRecording(into: "one", requestID: Array("call".utf8), owner: 1)
    }

    /// The sums that triggers keep are those of the rows, whatever happened.
    @Test func amountsAreExact() async throws {
        var generator = SeededGenerator(seed: 5)
        for step in 0..<120 {
            let owner = UInt32.random(in: 1...3, using: &generator)
            let session = "s\(Int.random(in: 0..<4, using: &generator))"
            switch Int.random(in: 0..<8, using: &generator) {
            case 0: _ = try? await store.deleteSession(session, by: owner)
            case 1: _ = try await store.record(Samples.sweep(session), owner: owner)
            case 2: _ = try await store.record(Samples.generation(session), owner: owner)
            case 3: _ = try? await store.setNote(String(repeating: "ü", count: step), ofRun: "last", by: owner)
            default:
                _ = try await store.record(
                    Samples.run(session, tokens: [Array(0..<Int32(step))], requestID: "\(step)"), owner: owner)
            }
        }
        let amounts = try await store.amounts()
        #expect(amounts.count == 3 && amounts.values.allSatisfy { $0.storedBytes > 0 })
        try store.close()
        let proof = SchemaMigration(
            "proof",
            sql: """
                CREATE TABLE proof (n INTEGER CHECK (n = 0)) STRICT;
                INSERT INTO proof SELECT stored_bytes - (SELECT coalesce(sum(bytes), 0) FROM run_sizes WHERE owner = owners.number)
                    FROM owners;
                INSERT INTO proof SELECT run_count - (SELECT count(*) FROM runs WHERE owner = owners.number) FROM owners;
                INSERT INTO proof SELECT session_count - (SELECT count(*) FROM sessions WHERE owner = owners.number)
                    FROM owners;
                INSERT INTO proof SELECT stored_bytes - (SELECT coalesce(sum(bytes), 0) FROM run_sizes WHERE session = id)
                    FROM sessions;
                """)
        try Samples.store(folder, state: "proven", after: "state", migrations: SchemaMigration.all + [proof]).close()
    }
}

/// Random numbers that are the same every time (xorshift).
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        return state
    }
}
