import LensCore
import LensStore
import Testing

@Suite struct RetentionTests {
    let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
    }

    /// Two owners with ten runs each, the first five of which are ten days old.
    private func store() async throws -> SessionStore {
        let store = try Samples.store(folder)
        for round in 0..<2 {
            for _ in 0..<5 {
                for owner: UInt32 in [1, 2] {
                    _ = try await store.record(Samples.run(round == 0 ? "old" : "new"), owner: owner)
                }
            }
        }
        try store.close()
        let aged = SchemaMigration(
            "aged",
            sql: """
                UPDATE runs SET created = created - 10 * 86400 WHERE number <= 10;
                UPDATE sessions SET updated = updated - 10 * 86400 WHERE name = 'old';
                """)
        return try Samples.store(
            folder, state: "aged", after: "state", migrations: SchemaMigration.all + [aged])
    }

    private func changed(_ store: SessionStore, _ sql: String) throws -> SessionStore {
        try store.close()
        let change = SchemaMigration("change", sql: sql)
        let aged = SchemaMigration("aged", sql: "")
        return try Samples.store(
            folder, state: "changed", after: "aged", migrations: SchemaMigration.all + [aged, change])
    }

    @Test func nothingGoesWhereNothingIsSaid() async throws {
        let store = try await store()
        #expect(try await store.applyRetention().isNothing)
        store.set(retention: Retention(days: 11, storedBytes: 1 << 20))
        #expect(try await store.applyRetention().isNothing)
        #expect(try await store.counts(owner: 1) == StoreCounts(sessions: 2, runs: 10))
    }

    @Test func runsThatAreTooOldGoWithTheSessionsThatTheyLeaveEmpty() async throws {
        let store = try await store()
        store.set(retention: Retention(days: 9))
        let outcome = try await store.applyRetention()
        #expect(outcome.runCount == 10 && outcome.sessionCount == 2 && outcome.ownerCount == 2)
        for owner: UInt32 in [1, 2] {
            #expect(try await store.sessions(for: owner).map(\.name) == ["new"])
            #expect(try await store.session("new", for: owner).runs.count == 5)
        }
        #expect(try await store.applyRetention().isNothing)
        #expect(try await store.check().complaints.isEmpty)
    }

    @Test func theOldestGoWhereThereIsTooMuch() async throws {
        let store = try await store()
        let size = try await store.amounts(of: 1).storedBytes / 10
        let ids = try await store.session("new", for: 1).runs.map(\.id)
        store.set(retention: Retention(storedBytes: 3 * size + 1))
        let outcome = try await store.applyRetention()
        #expect(outcome.runCount == 14 && outcome.bytes == 14 * size && outcome.sessionCount == 0)
        #expect(try await store.session("new", for: 1).runs.map(\.id) == Array(ids.prefix(3)))
        #expect(try await store.amounts(of: 2).storedBytes == 3 * size)
    }

    @Test func notesAndSharingKeepRuns() async throws {
        let store = try changed(
            try await store(),
            """
            UPDATE runs SET note = 'keep me' WHERE number IN (1, 3);
            INSERT INTO grants (owner, session, grantee, created)
            SELECT owner, id, 3, 1 FROM sessions WHERE owner = 2 AND name = 'old';
            """)
        store.set(retention: Retention(days: 9, storedBytes: 1))
        #expect(try await store.applyRetention().runCount == 13)
        // Of the first owner the two with notes, of the second the shared session's five.
        #expect(try await store.counts(owner: 1) == StoreCounts(sessions: 2, runs: 2))
        #expect(try await store.counts(owner: 2) == StoreCounts(sessions: 2, runs: 5))
        #expect(try await store.session("old", for: 2).runs.count == 5)
        #expect(try await store.check().complaints.isEmpty)
    }

    /// What was taken in from a file counts from then.
    @Test func importedRunsAreAsOldAsTheirImport() async throws {
        let store = try changed(try await store(), "UPDATE runs SET imported = created + 10 * 86400 WHERE owner = 1")
        store.set(retention: Retention(days: 9))
        #expect(try await store.applyRetention().runCount == 5)
        #expect(try await store.counts(owner: 1).runs == 10)
    }

    @Test func theFileShrinks() async throws {
        let store = try Samples.store(folder)
        for _ in 0..<40 { _ = try await store.record(Samples.run(tokens: [Array(0..<8000)]), owner: 1) }
        let before = try await store.usage()
        store.set(retention: Retention(storedBytes: 100_000))
        #expect(try await store.applyRetention().runCount > 30)
        let after = try await store.usage()
        #expect(before.fileBytes > 10 << 20 && after.fileBytes < 5 << 20, "\(before.fileBytes), \(after.fileBytes)")
        #expect(after.freeBytes <= 4 << 20)
        let size = try #require(folder.contents("lensd.sqlite")).count
        #expect(size == after.fileBytes)
        #expect(folder.contents("lensd.sqlite-wal")?.isEmpty == true)
        #expect(try await store.check().complaints.isEmpty)
    }
}
