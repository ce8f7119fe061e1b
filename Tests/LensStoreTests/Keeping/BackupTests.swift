import FoundationEssentials
import Glibc
import LensCore
import LensStore
import Testing

@Suite struct BackupTests {
    let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
    }

    /// Writes a snapshot as a client does, in pieces.
    private func backup(_ store: SessionStore, to name: String = "backup") async throws -> String {
        let snapshot = try await store.snapshot()
        var bytes: [UInt8] = []
        while bytes.count < snapshot.size { bytes += try snapshot.read(from: bytes.count, count: 5000) }
        #expect(try snapshot.read(from: snapshot.size, count: 10).isEmpty)
        try folder.write(Data(bytes), to: name, in: "elsewhere")
        return "\(folder.path)/elsewhere/\(name)"
    }

    private func restore(_ file: String, state: String = "state") throws -> [String] {
        try SessionStore.restore(file, in: StateFolder(at: "\(folder.path)/\(state)"))
    }

    @Test func aBackupIsTheStoreAtOneMoment() async throws {
        let store = try Samples.store(folder)
        for _ in 0..<50 { _ = try await store.record(Samples.run(), owner: 1) }
        // Others write meanwhile: what they had acknowledged before is in it, and nothing is half in it.
        let writer = Task { [store] in
            var count = 50
            while !Task.isCancelled {
                _ = try await store.record(Samples.run("other", tokens: [Array(0..<500)]), owner: 1)
                count += 1
            }
            return count
        }
        let file = try await backup(store)
        writer.cancel()
        _ = try? await writer.value
        #expect(folder.files() == ["lensd.sqlite", "lensd.sqlite-wal"])
        _ = try await store.record(Samples.run("later"), owner: 1)
        _ = try restore(file, state: "new")
        let restored = try Samples.store(folder, state: "new")
        #expect(restored.notices.isEmpty)
        #expect(try await restored.session("default", for: 1).runs.count == 50)
        #expect(await lensError { try await restored.session("later", for: 1) }?.code == .notFound)
        #expect(try await restored.check().complaints.isEmpty)
        _ = try await restored.record(Samples.run(), owner: 1)
        // It shrinks as the first one does.
        #expect(try await restored.purge(PurgeRequest(userID: 1), control: CallControl()).runCount > 50)
        #expect(try await restored.usage().freeBytes == 0)
    }

    @Test func oneCopyIsMadeAtATime() async throws {
        let store = try Samples.store(folder)
        for _ in 0..<20 { _ = try await store.record(Samples.run(tokens: [Array(0..<4000)]), owner: 1) }
        let outcomes = await withTaskGroup(of: StatusCode?.self) { group in
            for _ in 0..<4 { group.addTask { await lensError { try await store.snapshot() }?.code } }
            return await group.reduce(into: []) { $0.append($1) }
        }
        #expect(outcomes.contains(nil) && outcomes.allSatisfy { $0 == nil || $0 == .aborted })
        _ = try await store.snapshot()
    }

    @Test func aRestoreSetsAsideWhatWasThere() async throws {
        let store = try Samples.store(folder)
        let first = try await store.record(Samples.run(), owner: 1).id
        let file = try await backup(store)
        let second = try await store.record(Samples.run(), owner: 1).id
        // As `kill -9` leaves it: the second run stands in the log only.
        try folder.snapshot(to: "killed")
        #expect(folder.contents("lensd.sqlite-wal", in: "killed")?.isEmpty == false)
        let notices = try restore(file, state: "killed")
        let names = folder.files(in: "killed").filter { $0.contains(".before-restore-") }
        let aside = try #require(names.first)
        #expect(names.count == 1 && notices.count == 1 && notices[0].contains(aside))
        let restored = try Samples.store(folder, state: "killed")
        #expect(try await restored.session("default", for: 1).runs.map(\.id) == [first])
        try restored.close()
        // And back again.
        try folder.snapshot("killed", to: "back")
        _ = try restore("\(folder.path)/back/\(aside)", state: "back")
        let back = try Samples.store(folder, state: "back")
        #expect(try await back.session("default", for: 1).runs.map(\.id) == [second, first])
        #expect(folder.files(in: "back").filter { $0.contains(".before-restore-") }.count == 2)
    }

    @Test func aDaemonThatRunsIsNotRestored() async throws {
        let store = try Samples.store(folder)
        let file = try await backup(store)
        #expect(startupError { try restore(file) }?.status == .temporary)
        withExtendedLifetime(store) {}
    }

    enum Unfit: String, CaseIterable {
        case missing, empty, text, folder, truncated, overwritten, foreign, newer, unfilled
    }

    @Test(arguments: Unfit.allCases)
    func whatIsNoBackupIsRefusedAndChangesNothing(unfit: Unfit) async throws {
        let store = try Samples.store(folder)
        for _ in 0..<40 { _ = try await store.record(Samples.run(), owner: 1) }
        var bytes = try #require(FileManager.default.contents(atPath: try await backup(store)))
        try store.close()
        try folder.snapshot(to: "closed")
        switch unfit {
        case .missing: try FileManager.default.removeItem(atPath: "\(folder.path)/elsewhere/backup")
        case .empty: bytes = Data()
        case .text: bytes = Data("not a database, but long enough to be one".utf8) + Data(count: 5000)
        case .folder: break
        case .truncated: bytes = bytes.prefix(bytes.count / 2)
        case .overwritten: for index in 9000..<20_000 { bytes[index] = UInt8(truncatingIfNeeded: index &* 31) }
        case .foreign, .newer, .unfilled:
            let sql =
                switch unfit {
                case .foreign: "CREATE TABLE things (x); PRAGMA application_id = 7"
                case .newer: "CREATE TABLE things (x)"
                default: "PRAGMA application_id = 0"
                }
            let migration = SchemaMigration("9 from the future", sql: sql)
            let migrations = unfit == .newer ? SchemaMigration.all + [migration] : [migration]
            try Samples.store(folder, state: "other", migrations: migrations).close()
            bytes = try #require(folder.contents("lensd.sqlite", in: "other"))
        }
        if unfit != .missing { try folder.write(bytes, to: "backup", in: "elsewhere") }
        let before = folder.contents("lensd.sqlite", in: "closed")
        let path = unfit == .folder ? "\(folder.path)/elsewhere" : "\(folder.path)/elsewhere/backup"
        let error = startupError { try restore(path, state: "closed") }
        #expect(error?.status == .badInput, "\(error?.message ?? "accepted")")
        #expect(folder.contents("lensd.sqlite", in: "closed") == before && before != nil)
        #expect(folder.files(in: "closed") == ["lensd.sqlite"])
    }

    /// Going back to the version before: the copy that was made before its database was migrated.
    @Test func theVersionBeforeHasItsDatabaseBack() async throws {
        let before = Array(SchemaMigration.all.prefix(3))
        let filled = SchemaMigration(
            before[2].identifier,
            sql: before[2].sql + """
                ;
                INSERT INTO sessions VALUES (X'\(String(repeating: "0f", count: 16))', 7, 'old', 1, 1);
                """)
        try Samples.store(folder, state: "old", migrations: before.dropLast() + [filled]).close()
        let newer = try Samples.store(folder, state: "newer", after: "old")
        _ = try await newer.record(Samples.run("new"), owner: 7)
        try newer.close()
        // The version before refuses the newer database, and takes its own back.
        try folder.snapshot("newer", to: "back")
        #expect(startupError { try Samples.store(folder, state: "back", migrations: before) }?.status == .badInput)
        let copy = try #require(folder.files(in: "back").first { $0.contains(".before-migration-") })
        let notices = try restore("\(folder.path)/back/\(copy)", state: "back")
        #expect(notices.contains { $0.contains(".before-restore-") })
        let old = try Samples.store(folder, state: "as-before", after: "back", migrations: before)
        #expect(old.notices.isEmpty)
        // And the newer one, from where it was set aside.
        let aside = try #require(folder.files(in: "back").first { $0.contains(".before-restore-") })
        _ = try restore("\(folder.path)/back/\(aside)", state: "back")
        let again = try Samples.store(folder, state: "back")
        #expect(try await again.sessions(for: 7).map(\.name).sorted() == ["new", "old"])
    }

    @Test func aPresentDatabaseThatIsDamagedIsSetAsideToo() async throws {
        let store = try Samples.store(folder)
        let id = try await store.record(Samples.run(), owner: 1).id
        let file = try await backup(store)
        let noise = Data((0..<8192).map { UInt8(truncatingIfNeeded: $0 &* 97 &+ $0 / 7) })
        try folder.write(noise, to: "lensd.sqlite", in: "bad")
        _ = try restore(file, state: "bad")
        #expect(folder.files(in: "bad").contains { folder.contents($0, in: "bad") == noise })
        #expect(try await Samples.store(folder, state: "bad").run("last", for: 1).id == id)
    }

    @Test func whatACopyThatWasCutShortLeftGoes() async throws {
        try Samples.store(folder, state: "old").close()
        for name in ["lensd.sqlite.copying", "lensd.sqlite.copying-journal", "lensd.sqlite.restoring"] {
            try folder.write(Data([1, 2, 3]), to: name, in: "old")
        }
        try Samples.store(folder, after: "old").close()
        #expect(folder.files() == ["lensd.sqlite"])
    }

    @Test func aCheckFindsWhatIsWrong() async throws {
        let store = try Samples.store(folder)
        for _ in 0..<3 { _ = try await store.record(Samples.run(), owner: 1) }
        let check = try await store.check()
        #expect(check.complaints.isEmpty && check.runCount == 3 && check.bytes > 8192)
        try store.close()
        let wrong = SchemaMigration(
            "wrong",
            sql: """
                UPDATE owners SET stored_bytes = stored_bytes + 1;
                DROP TRIGGER run_deleted; DROP TRIGGER run_bytes_deleted;
                DELETE FROM runs WHERE number = 1;
                """)
        let bad = try Samples.store(folder, state: "bad", after: "state", migrations: SchemaMigration.all + [wrong])
        #expect(try await bad.check().complaints == ["the sums of owner 1 are not those of his runs"])
    }
}
