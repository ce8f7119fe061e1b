import LensCore
import LensStore
import Testing

@Suite struct PurgeTests {
    let folder: TemporaryFolder
    let names = Names([1001: "anna", 1002: "berta"])
    let store: SessionStore

    init() throws {
        folder = try TemporaryFolder()
        store = try Samples.store(folder, accounts: names.directory)
    }

    private func purge(_ userID: UInt32, _ account: AccountChoice = .only) async throws -> PurgeReply {
        try await store.purge(PurgeRequest(userID: userID, account: account), control: CallControl())
    }

    @Test func everythingOfAnAccountGoes() async throws {
        for name in ["one", "two"] {
            for _ in 0..<150 { _ = try await store.record(Samples.run(name), owner: 1001) }
        }
        let kept = try await store.record(Samples.run("one"), owner: 1002).id
        #expect(try await purge(1001) == PurgeReply(sessionCount: 2, runCount: 300))
        #expect(try await store.sessions(for: 1001).isEmpty)
        #expect(try await store.run("last", for: 1002).id == kept)
        #expect(await lensError { try await purge(1001) }?.code == .notFound)
        let usage = try await store.usage()
        #expect(usage.accounts.map(\.userID) == [1002] && usage.freeBytes == 0)
        #expect(try await store.check().complaints.isEmpty)
    }

    @Test func whatIsDeletedIsGoneFromTheFiles() async throws {
        var run = Samples.run()
        run.excerpt = "xyzzy-the-secret"
        _ = try await store.record(run, owner: 1001)
        _ = try await store.record(Samples.run(), owner: 1002)
        func isThere() -> Bool {
            ["lensd.sqlite", "lensd.sqlite-wal"].contains {
                folder.contents($0).map { String(decoding: $0, as: UTF8.self).contains("xyzzy") } ?? false
            }
        }
        #expect(isThere())
        _ = try await purge(1001)
        #expect(!isThere())
    }

    @Test func oneOfSeveralAccountsHasToBeNamed() async throws {
        _ = try await store.record(Samples.run(), owner: 1001)
        names[1001] = "carla"
        let hers = try await store.record(Samples.run(), owner: 1001).id
        let error = await lensError { try await purge(1001) }
        #expect(error?.code == .failedPrecondition)
        #expect(error?.message.contains("account 'anna' of uid 1001 (1 sessions)") == true)
        #expect(await lensError { try await purge(1001, .named("dora")) }?.code == .notFound)
        let usage = try await store.usage()
        #expect(Set(usage.accounts.map { "\($0.name) \($0.isPresent)" }) == ["anna false", "carla true"])
        #expect(try await purge(1001, .named("anna")) == PurgeReply(sessionCount: 1, runCount: 1))
        #expect(try await store.run("last", for: 1001).id == hers)
        names[1001] = "emma"
        _ = try await store.record(Samples.run(), owner: 1001)
        #expect(try await purge(1001, .every) == PurgeReply(sessionCount: 2, runCount: 2))
        #expect(try await store.usage().accountCount == 0)
    }

    @Test func aPurgeThatIsCancelledGoesOnLater() async throws {
        for _ in 0..<300 { _ = try await store.record(Samples.run(), owner: 1001) }
        let control = CallControl()
        control.cancel()
        let error = await lensError { try await store.purge(PurgeRequest(userID: 1001), control: control) }
        #expect(error?.code == .cancelled)
        #expect(try await purge(1001).runCount == 300)
    }

    // MARK: - Reassigning

    @Test func aRenamedAccountHasItsSessionsBack() async throws {
        let id = try await store.record(Samples.run(), owner: 1001).id
        names[1001] = "anna-maria"
        #expect(try await store.sessions(for: 1001).isEmpty)
        let account = try await store.reassign(ReassignRequest(userID: 1001, newUserID: 1001))
        #expect(account.name == "anna-maria" && account.sessionCount == 1)
        #expect(try await store.run("last", for: 1001).id == id)
    }

    @Test func sessionsFollowTheirUserToAnotherUserID() async throws {
        let id = try await store.record(Samples.run(), owner: 1001).id
        names[1001] = nil
        names[2001] = "anna"
        let account = try await store.reassign(ReassignRequest(userID: 1001, newUserID: 2001))
        #expect(account.userID == 2001 && account.name == "anna")
        #expect(try await store.run(id, for: 2001).id == id)
        // The old number is free, and its next holder a stranger.
        names[1001] = "dora"
        #expect(try await store.sessions(for: 1001).isEmpty)
        _ = try await store.record(Samples.run("hers"), owner: 1001)
        #expect(try await store.sessions(for: 1001).map(\.name) == ["hers"])
        #expect(try await store.sessions(for: 2001).map(\.name) == ["default"])
    }

    @Test func twoUsersSessionsAreNotMixed() async throws {
        for owner: UInt32 in [1001, 1002] { _ = try await store.record(Samples.run(), owner: owner) }
        let error = await lensError { try await store.reassign(ReassignRequest(userID: 1001, newUserID: 1002)) }
        #expect(error?.code == .failedPrecondition && error?.message.contains("'berta' of uid 1002 has 1") == true)
        _ = try await store.deleteSession("default", by: 1002)
        #expect(try await store.reassign(ReassignRequest(userID: 1001, newUserID: 1002)).runCount == 1)
        let nothing = await lensError { try await store.reassign(ReassignRequest(userID: 5, newUserID: 1)) }
        #expect(nothing?.code == .notFound)
    }
}
