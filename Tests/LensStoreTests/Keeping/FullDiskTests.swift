import Glibc
import LensCore
import LensStore
import Testing

/// What the administrator's work does on a disk that has no room left.
@Suite(.enabled(if: geteuid() == 0, "mounting a small tmpfs needs root"))
struct FullDiskTests {
    let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
    }

    /// Lends a disk of 2 MiB as the state folder; a container's root may not mount one.
    private func withSmallDisk(_ body: (_ state: String) async throws -> Void) async throws {
        let state = folder.path + "/state"
        mkdir(state, 0o700)
        guard mount("tmpfs", state, "tmpfs", 0, "size=2m,mode=0700") == 0 else { return }
        defer { umount2(state, CInt(MNT_DETACH)) }
        try await body(state)
    }

    private func fill(_ state: String) {
        let filler = open(state + "/filler", O_WRONLY | O_CREAT, 0o600)
        let noise = [UInt8](repeating: 1, count: 4096)
        while write(filler, noise, noise.count) > 0 {}
        close(filler)
    }

    @Test func nothingIsHarmedAndEverythingGoesOn() async throws {
        try await withSmallDisk { state in
            let store = try Samples.store(folder)
            for round in 0..<3 {
                for owner: UInt32 in [1, 2] {
                    _ = try await store.record(Samples.run("kept"), owner: owner)
                    _ = try await store.record(Samples.run("doomed \(round)", tokens: [Array(0..<500)]), owner: owner)
                }
                fill(state)
                var refusal: LensError?
                var count = 0
                while refusal == nil, count < 2000 {
                    refusal = await lensError {
                        try await store.record(Samples.run("filling", tokens: [Array(0..<500)]), owner: 1)
                    }
                    count += 1
                }
                #expect(refusal?.code == .resourceExhausted)
                let before = try await store.counts(owner: 2)
                #expect(await lensError { try await store.snapshot() }?.code == .resourceExhausted)
                #expect(!folder.files().contains { $0.contains("copying") })
                #expect(try await store.check().complaints.isEmpty)
                // Deleting may find no room in the log; what it does, it does whole.
                store.set(retention: Retention(storedBytes: 1))
                let outcome = await lensError { try await store.applyRetention() }
                #expect(outcome == nil || outcome?.code == .resourceExhausted)
                #expect(try await store.counts(owner: 2).runs <= before.runs)
                #expect(try await store.check().complaints.isEmpty)
                unlink(state + "/filler")
                _ = try await store.record(Samples.run("kept"), owner: 2)
                _ = try await store.applyRetention()
                #expect(try await store.amounts(of: 1).storedBytes == 0)
                _ = try await store.snapshot()
            }
        }
    }

    @Test func aMigrationWithoutRoomChangesNothing() async throws {
        let old = try Samples.store(folder, state: "old")
        for _ in 0..<70 { _ = try await old.record(Samples.run(tokens: [Array(0..<200)]), owner: 1) }
        try old.close()
        let later = SchemaMigration("9 later", sql: "ALTER TABLE sessions ADD COLUMN remark TEXT")
        try await withSmallDisk { state in
            try folder.snapshot("old", to: "state")
            let before = folder.contents("lensd.sqlite")
            fill(state)
            let error = startupError { try Samples.store(folder, migrations: SchemaMigration.all + [later]) }
            #expect(error?.status == .failure && error?.message.contains("full") == true, "\(error?.message ?? "none")")
            #expect(folder.contents("lensd.sqlite") == before)
            #expect(!folder.files().contains { $0.contains("partial") })
            unlink(state + "/filler")
            let migrated = try Samples.store(folder, migrations: SchemaMigration.all + [later])
            #expect(try await migrated.counts(owner: 1).runs == 70)
        }
    }

    @Test func aRestoreWithoutRoomChangesNothing() async throws {
        let other = try Samples.store(folder, state: "other")
        for _ in 0..<150 { _ = try await other.record(Samples.run(tokens: [Array(0..<200)]), owner: 1) }
        try other.close()
        try await withSmallDisk { state in
            do {
                let store = try Samples.store(folder)
                _ = try await store.record(Samples.run(), owner: 7)
                try store.close()
            }
            fill(state)
            let before = folder.contents("lensd.sqlite")
            let error = startupError {
                try SessionStore.restore("\(folder.path)/other/lensd.sqlite", in: StateFolder(at: state))
            }
            #expect(error?.status == .failure, "\(error?.message ?? "none")")
            #expect(folder.contents("lensd.sqlite") == before)
            #expect(!folder.files().contains { $0.contains("restoring") || $0.contains("before-restore") })
        }
    }
}
