import FoundationEssentials
import Glibc
import LensCore
import LensStore
import Testing

@Suite struct DatabaseFileTests {
    let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
    }

    @Test func everythingIsPrivateWhateverTheUmaskSays() async throws {
        let store = try Samples.store(folder)
        _ = try await store.record(Samples.run(), owner: 1)
        #expect(try mode("state") == 0o700)
        for name in ["lensd.sqlite", "lensd.sqlite-wal", "lensd.lock"] {
            #expect(try mode("state/" + name) == 0o600, "\(name)")
        }
    }

    @Test func runsSurviveAnOrderlyClose() async throws {
        let first = try Samples.store(folder)
        let id = try await first.record(Samples.run(), owner: 1).id
        try first.close()
        #expect(await lensError { try await first.run(id, for: 1) } != nil)
        let second = try Samples.store(folder, state: "state-moved", after: "state")
        #expect(second.notices.isEmpty)
        #expect(try await second.run(id, for: 1).id == id)
    }

    @Test func runsSurviveAnAbruptEnd() async throws {
        let store = try Samples.store(folder)
        var acknowledged: [String] = []
        for round in 0..<4 {
            for _ in 0..<10 { acknowledged.append(try await store.record(Samples.run(), owner: 1).id) }
            try folder.snapshot(to: "crash\(round)")
            let reopened = try Samples.store(folder, state: "crash\(round)")
            #expect(reopened.notices.isEmpty)
            let found = try await reopened.session("default", for: 1).runs.map(\.id)
            #expect(found == acknowledged.reversed())
        }
    }

    // MARK: - Migrations

    private static let later = SchemaMigration(
        "2 notes", sql: "ALTER TABLE sessions ADD COLUMN remark TEXT NOT NULL DEFAULT ''")

    @Test func anOlderDatabaseIsMigratedAndCopiedBefore() async throws {
        let old = try Samples.store(folder)
        let id = try await old.record(Samples.run(), owner: 1).id
        try old.close()
        let new = try Samples.store(
            folder, state: "new", after: "state", migrations: SchemaMigration.all + [Self.later])
        #expect(new.notices.count == 1 && new.notices[0].contains("a copy of the old one is"))
        #expect(try await new.run("last", for: 1).id == id)
        let copies = folder.files(in: "new").filter { $0.contains(".before-migration-") }
        #expect(copies.count == 1 && !copies[0].hasSuffix(".partial"))
        // The copy is a database that the older lensd opens.
        try folder.write(try #require(folder.contents(copies[0], in: "new")), to: "lensd.sqlite", in: "copy")
        let copy = try Samples.store(folder, state: "copy")
        #expect(copy.notices.isEmpty)
        #expect(try await copy.run("last", for: 1).id == id)
        try new.close()
        // Once migrated there is nothing left to do.
        let again = try Samples.store(
            folder, state: "again", after: "new", migrations: SchemaMigration.all + [Self.later])
        #expect(again.notices.isEmpty)
    }

    /// What an earlier lensd recorded was recorded without hooks.
    @Test func runsOfTheFirstSchemaCanBeComputedAgain() async throws {
        let store = try Samples.store(folder)
        let id = try await store.record(Samples.run(isHooked: true), owner: 1).id
        try store.close()
        let step = try #require(SchemaMigration.all.first { $0.identifier == "2 hooked runs" })
        let asBefore = SchemaMigration("back to the first", sql: "ALTER TABLE runs DROP COLUMN hooked")
        let again = try Samples.store(
            folder, state: "again", after: "state",
            migrations: SchemaMigration.all + [asBefore, SchemaMigration("and again", sql: step.sql)])
        #expect(try await again.recipe(of: id, for: 1).runID == id)
        #expect(try await again.run(id, for: 1).summary.isHooked == false)
    }

    /// From before runs had details: what was recorded is there, and no number is given twice.
    @Test func runsOfTheFirstSchemaAreKept() async throws {
        let first = SchemaMigration.all[0]
        let id = String(repeating: "0f", count: 16)
        let row = """
            'run', 1.5, 'tiny', 'processed', '\(Samples.fingerprint)', 1, 2, X'01020000000000000005000000',
            CAST('{"version":1,"edits":[]}' AS BLOB), 'Once', 0.5,
            CAST('{"version":1,"loss":0.5,"prompts":[{"texts":["a","b"],"loss":0.5,"perTokenLoss":[],"top":[]}]}'
                AS BLOB), '0.0.1'
            """
        let filled = SchemaMigration(
            first.identifier,
            sql: first.sql + """
                ;
                INSERT INTO sessions VALUES (X'\(id)', 7, 'default', 1, 1);
                INSERT INTO runs (number, id, owner, session, kind, created, model, form, fingerprint, prompt_count,
                    token_count, tokens, interventions, excerpt, loss, result, lensd_version)
                SELECT 3, X'\(id)', 7, X'\(id)', \(row) UNION ALL
                SELECT 9, X'\(String(id.reversed()))', 7, X'\(id)', \(row);
                DELETE FROM runs WHERE number = 9;
                """)
        try Samples.store(folder, migrations: [filled]).close()
        let store = try Samples.store(folder, state: "new", after: "state")
        let found = try await store.run("last", for: 7)
        #expect(found.id == id && found.recipe.tokens == [[0, 5]] && found.summary.detail == "")
        #expect(try await store.counts(owner: 7) == StoreCounts(sessions: 1, runs: 1))
        #expect(try await store.check().complaints.isEmpty)
        guard case .run(let reply) = found.result else { throw Unexpected() }
        #expect(reply.prompts[0].tokens.map(\.text) == ["a", "b"])
        _ = try await store.record(Samples.generation(), owner: 7)
        #expect(try await store.session("default", for: 7).runs.map(\.kind) == [.generation, .run])
        try store.close()
        // Number 9 was taken once.
        let proof = SchemaMigration(
            "proof",
            sql: "CREATE TABLE proof (n INTEGER CHECK (n = 10)); INSERT INTO proof SELECT max(number) FROM runs")
        try Samples.store(folder, state: "proven", after: "new", migrations: SchemaMigration.all + [proof]).close()
    }

    @Test func aMigrationThatFailsChangesNothing() async throws {
        let store = try Samples.store(folder)
        let id = try await store.record(Samples.run(), owner: 1).id
        try store.close()
        let broken = SchemaMigration(
            "2 broken", sql: "ALTER TABLE runs ADD COLUMN x TEXT; DELETE FROM sessions; SELECT * FROM nowhere")
        try folder.snapshot(to: "broken")
        #expect(
            startupError { try Samples.store(folder, state: "broken", migrations: SchemaMigration.all + [broken]) }
                != nil)
        let back = try Samples.store(folder, state: "broken")
        #expect(try await back.run("last", for: 1).id == id)
    }

    @Test(arguments: [true, false])
    func aNewerDatabaseIsRefusedUntouched(closed: Bool) async throws {
        let newer = try Samples.store(folder, migrations: SchemaMigration.all + [Self.later])
        _ = try await newer.record(Samples.run(), owner: 1)
        if closed { try newer.close() }
        try folder.snapshot(to: "copy")
        let names = folder.files(in: "copy")
        #expect(names.contains("lensd.sqlite-wal") == !closed)
        let before = names.map { folder.contents($0, in: "copy") }
        let error = startupError { try Samples.store(folder, state: "copy") }
        #expect(error?.status == .badInput)
        #expect(error?.message.contains("made by a newer lensd") == true && error?.message.contains("2 notes") == true)
        // SQLite's reader may leave an empty log behind; whatever was there is the same.
        #expect(
            folder.files(in: "copy").filter { !names.contains($0) }.allSatisfy {
                folder.contents($0, in: "copy") == Data()
            })
        #expect(names.map { folder.contents($0, in: "copy") } == before)
    }

    @Test func aForeignDatabaseIsRefusedUntouched() throws {
        let foreign = SchemaMigration("other", sql: "CREATE TABLE things (x); PRAGMA application_id = 7")
        try Samples.store(folder, migrations: [foreign]).close()
        let before = folder.contents("lensd.sqlite")
        let error = startupError { try Samples.store(folder) }
        #expect(error?.status == .badInput && error?.message.contains("not a session database of lensd") == true)
        #expect(folder.contents("lensd.sqlite") == before)
    }

    // MARK: - Damage

    enum Damage: CaseIterable {
        case overwritten, truncated, noise, headerless, logWithoutDatabase, logWithEmptyDatabase
    }

    @Test(arguments: Damage.allCases)
    func aDamagedDatabaseIsSetAsideAndTold(damage: Damage) async throws {
        let store = try Samples.store(folder)
        for _ in 0..<40 { _ = try await store.record(Samples.run(), owner: 1) }
        switch damage {
        case .logWithoutDatabase, .logWithEmptyDatabase: break
        default: try store.close()
        }
        try folder.snapshot(to: "bad")
        var bytes = try #require(folder.contents("lensd.sqlite", in: "bad"))
        switch damage {
        case .overwritten:
            for index in 8192..<min(bytes.count, 20_000) { bytes[index] = UInt8(truncatingIfNeeded: index &* 31) }
        case .truncated: bytes = bytes.prefix(bytes.count / 2 / 4096 * 4096 + 100)
        case .noise: bytes = Data((0..<8192).map { UInt8(truncatingIfNeeded: $0 &* 97 &+ $0 / 7) })
        case .headerless: bytes.replaceSubrange(0..<16, with: Data(repeating: 0, count: 16))
        case .logWithoutDatabase, .logWithEmptyDatabase: bytes = Data()
        }
        try folder.write(bytes, to: "lensd.sqlite", in: "bad")
        if damage == .logWithoutDatabase { unlink(folder.path + "/bad/lensd.sqlite") }
        let reopened = try Samples.store(folder, state: "bad")
        #expect(reopened.notices.count == 1)
        #expect(
            reopened.notices.first?.contains("is damaged (") == true
                && reopened.notices.first?.contains("set aside as") == true)
        let aside = folder.files(in: "bad").filter { $0.contains(".damaged-") }
        #expect(!aside.isEmpty)
        let kept = aside.first { !$0.hasSuffix("-wal") }.flatMap { folder.contents($0, in: "bad") }
        #expect(kept ?? Data() == bytes, "what was there is kept byte for byte")
        #expect(try await reopened.counts(owner: 1) == StoreCounts(sessions: 0, runs: 0))
        _ = try await reopened.record(Samples.run(), owner: 1)
    }

    @Test func anEmptyFileIsTold() throws {
        _ = try StateFolder(at: folder.path + "/state")
        try folder.write(Data(), to: "lensd.sqlite")
        let store = try Samples.store(folder)
        #expect(store.notices.count == 1 && store.notices[0].contains("was empty"))
    }

    @Test(arguments: [
        "tokens = x'02'", "tokens = x'01FFFFFFFF'", "tokens = x'0105000000'", "tokens = x'01'", "tokens = x''",
        "interventions = '{\"version\":3,\"edits\":[]}'", "interventions = '[]'",
        "interventions = '{\"version\":1,\"edits\":[{\"hook\":\"hook_x\",\"action\":\"zero\"}]}'",
        "result = '{}'", "result = zeroblob(3)",
    ])
    func aStoredValueThatCannotBeReadIsDataLoss(change: String) async throws {
        let store = try Samples.store(folder)
        _ = try await store.record(Samples.run(), owner: 1)
        try store.close()
        let assignment = change.replacing("'{", with: "CAST('{").replacing("}'", with: "}' AS BLOB)").replacing(
            "'[]'", with: "CAST('[]' AS BLOB)")
        let damaging = SchemaMigration("2", sql: "UPDATE runs SET \(assignment)")
        let damaged = try Samples.store(
            folder, state: "bad", after: "state", migrations: SchemaMigration.all + [damaging])
        #expect(await lensError { try await damaged.run("last", for: 1) }?.code == .dataLoss)
        // The others of the daemon's calls go on.
        #expect(try await damaged.record(Samples.run(), owner: 1).id == damaged.run("last", for: 1).id)
    }

    // MARK: - Full

    @Test func aFullDatabaseRefusesWritesAndRecovers() async throws {
        let store = try Samples.store(folder, maximumBytes: 256 * 1024)
        let big: [[Int32]] = [Array(0..<1000)]
        var ids: [String] = []
        var refusal: LensError?
        while refusal == nil, ids.count < 100 {
            refusal = await lensError {
                ids.append(
                    try await store.record(Samples.run(ids.count < 3 ? "early" : "late", tokens: big), owner: 1).id)
            }
        }
        #expect(refusal?.code == .resourceExhausted && ids.count > 3)
        #expect(try await store.counts(owner: 1).runs == ids.count)
        for id in ids { #expect(try await store.run(id, for: 1).recipe.tokens == big) }
        #expect(try await store.deleteSession("early", by: 1) == 3)
        _ = try await store.record(Samples.run(tokens: big), owner: 1)
    }

    @Test(.enabled(if: geteuid() == 0, "mounting a small tmpfs needs root"))
    func aFullDiskRefusesWritesAndRecovers() async throws {
        let state = folder.path + "/state"
        mkdir(state, 0o700)
        guard mount("tmpfs", state, "tmpfs", 0, "size=1m,mode=0700") == 0 else {
            // A container's root may not mount.
            return
        }
        defer { umount2(state, CInt(MNT_DETACH)) }
        let store = try Samples.store(folder)
        let kept = try await store.record(Samples.run(), owner: 1).id
        let filler = open(state + "/filler", O_WRONLY | O_CREAT, 0o600)
        let noise = [UInt8](repeating: 1, count: 4096)
        while write(filler, noise, noise.count) > 0 {}
        close(filler)
        var acknowledged = [kept]
        var refusal: LensError?
        while refusal == nil, acknowledged.count < 200 {
            refusal = await lensError {
                acknowledged.append(try await store.record(Samples.run(tokens: [Array(0..<500)]), owner: 1).id)
            }
        }
        #expect(refusal?.code == .resourceExhausted)
        #expect(try await store.run(kept, for: 1).id == kept)
        unlink(state + "/filler")
        acknowledged.append(try await store.record(Samples.run(), owner: 1).id)
        #expect(try await store.session("default", for: 1).runs.map(\.id) == acknowledged.reversed())
    }

    private func mode(_ name: String) throws -> mode_t {
        var status = stat()
        try #require(lstat(folder.path + "/" + name, &status) == 0)
        return status.st_mode & 0o777
    }
}
