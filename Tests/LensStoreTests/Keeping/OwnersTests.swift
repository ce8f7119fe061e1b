import Glibc
import LensCore
import LensStore
import Testing

/// A uid is somebody only together with the account that has it.
@Suite struct OwnersTests {
    let folder: TemporaryFolder
    let names = Names([1001: "anna", 1002: "berta"])
    let store: SessionStore

    init() throws {
        folder = try TemporaryFolder()
        store = try Samples.store(folder, accounts: names.directory)
    }

    @Test func aReusedUserIDInheritsNothing() async throws {
        let id = try await store.record(Samples.run("thesis", requestID: "call"), owner: 1001).id
        names[1001] = "carla"
        #expect(try await store.sessions(for: 1001).isEmpty)
        #expect(try await store.counts(owner: 1001) == StoreCounts(sessions: 0, runs: 0))
        #expect(try await store.amounts(of: 1001) == SharedAmounts())
        let absent = await lensError { try await store.run("0123456789", for: 1001) }
        #expect(absent?.code == .notFound)
        let hidden = await lensError { try await store.run(id, for: 1001) }
        #expect(hidden?.message == absent?.message.replacing("0123456789", with: id))
        #expect(await lensError { try await store.session("thesis", for: 1001) }?.code == .notFound)
        #expect(await lensError { try await store.deleteSession("thesis", by: 1001) }?.code == .notFound)
        // She begins anew, with names and request ids of her own.
        let hers = try await store.record(Samples.run("thesis", requestID: "call"), owner: 1001).id
        #expect(hers != id)
        #expect(try await store.session("thesis", for: 1001).runs.map(\.id) == [hers])
        #expect(try await store.deleteSession("thesis", by: 1001) == 1)
        // When the uid goes back, so does what belongs to it.
        names[1001] = "anna"
        #expect(try await store.session("thesis", for: 1001).runs.map(\.id) == [id])
    }

    /// A uid's second account has a number that is no uid in use; should it be one, its user gets another.
    @Test func numbersOfOwnersAreNobodyElses() async throws {
        let userIDs: [UInt32] = [1001, 4_000_000_000, 4_000_000_001, UInt32.max - 1]
        for userID in userIDs { _ = try await store.record(Samples.run("of \(userID)"), owner: userID) }
        names[1001] = "carla"
        _ = try await store.record(Samples.run("carla's"), owner: 1001)
        names[4_000_000_001] = "dora"
        _ = try await store.record(Samples.run("dora's"), owner: 4_000_000_001)
        names[1001] = "emma"
        _ = try await store.record(Samples.run("emma's"), owner: 1001)
        _ = try await store.record(Samples.run("of the next"), owner: 4_000_000_002)
        #expect(try await store.sessions(for: 1001).map(\.name) == ["emma's"])
        #expect(try await store.sessions(for: 4_000_000_000).map(\.name) == ["of 4000000000"])
        #expect(try await store.sessions(for: 4_000_000_001).map(\.name) == ["dora's"])
        #expect(try await store.sessions(for: 4_000_000_002).map(\.name) == ["of the next"])
        #expect(try await store.sessions(for: UInt32.max - 1).count == 1)
    }

    @Test func usersWithoutAnAccountAreTheirNumber() async throws {
        let id = try await store.record(Samples.run(), owner: 70_000).id
        #expect(try await store.run(id, for: 70_000).id == id)
        names[70_000] = "dora"
        #expect(await lensError { try await store.run(id, for: 70_000) }?.code == .notFound)
    }

    /// A directory that is away makes nobody a stranger to what is his, and nobody somebody else.
    @Test func aDirectoryThatIsAwayIsWaitedFor() async throws {
        let id = try await store.record(Samples.run(), owner: 1001).id
        names.goAway()
        #expect(await lensError { try await store.run(id, for: 1001) }?.code == .unavailable)
        #expect(await lensError { try await store.record(Samples.run(), owner: 1001) }?.code == .unavailable)
        names.goAway(false)
        names[1001] = nil
        #expect(await lensError { try await store.run(id, for: 1001) }?.code == .unavailable)
        #expect(await lensError { try await store.record(Samples.run(), owner: 1001) }?.code == .unavailable)
        names[1001] = "anna"
        #expect(try await store.session("default", for: 1001).runs.map(\.id) == [id])
    }

    /// Whose an older database's sessions are is written down when it is opened.
    @Test func sessionsFromBeforeBelongToTheAccountOfTheStart() async throws {
        let before = SchemaMigration.all.prefix { $0.identifier < "5" }
        let session = "X'\(String(repeating: "0f", count: 16))'"
        let filled = SchemaMigration(
            "filled",
            sql: "INSERT INTO sessions (id, owner, name, created, updated) VALUES (\(session), 1001, 'old', 1, 1)")
        try Samples.store(folder, state: "old", migrations: before + [filled]).close()
        let migrations = before + [filled] + SchemaMigration.all.dropFirst(before.count)
        let adopted = try Samples.store(
            folder, state: "adopted", after: "old", migrations: Array(migrations), accounts: names.directory)
        #expect(try await adopted.sessions(for: 1001).map(\.name) == ["old"])
        #expect(try await adopted.amounts(of: 1001).sessions == 1)
        names[1001] = "carla"
        #expect(try await adopted.sessions(for: 1001).isEmpty)

        // Where the start could not tell, the first call does.
        names.goAway()
        let waiting = try Samples.store(
            folder, state: "waiting", after: "old", migrations: Array(migrations), accounts: names.directory)
        names.goAway(false)
        _ = try await waiting.record(Samples.run(), owner: 1001)
        #expect(try await waiting.sessions(for: 1001).map(\.name).contains("old"))
        names[1001] = "emma"
        #expect(try await waiting.sessions(for: 1001).isEmpty)
    }

    /// A share is with an account and of an account: neither a reader's nor an owner's uid passes it on.
    @Test func aReusedUserIDIsSharedNothing() async throws {
        let id = try await store.record(Samples.run("thesis"), owner: 1001).id
        #expect(try await store.share("thesis", with: 1002, by: 1001).map(\.userName) == ["berta"])
        #expect(try await store.session("1001/thesis", for: 1002).runs.map(\.id) == [id])
        let shown = try #require(try await store.sessions(for: 1002).first)
        #expect(shown.owner == 1001 && shown.isReadOnly)
        names[1002] = "dora"
        #expect(try await store.sessions(for: 1002).isEmpty)
        #expect(await lensError { try await store.session("1001/thesis", for: 1002) }?.code == .notFound)
        #expect(await lensError { try await store.run(id, for: 1002) }?.code == .notFound)
        // Her own shares are known by her uid, whatever number she has.
        _ = try await store.record(Samples.run("dora's"), owner: 1002)
        _ = try await store.share("dora's", with: 1001, by: 1002)
        #expect(try await store.session("1002/dora's", for: 1001).session.owner == 1002)
        #expect(try await store.session("1002/dora's", for: 1002).runs[0].owner == 1002)
        let found = try await store.search(SearchSessionsRequest(text: "Once"), for: 1001)
        #expect(found.runs.map(\.owner) == [1002, 1001])
        _ = try await store.setNote("mine", ofRun: "last", by: 1002)
        names[1002] = "berta"
        #expect(try await store.session("1001/thesis", for: 1002).runs.map(\.id) == [id])
        #expect(try await store.unshare("thesis", with: 1002, by: 1001).isEmpty)
        _ = try await store.share("thesis", with: 1002, by: 1001)
        // Another owner of the uid begins: what the former one shared is no longer read under its name.
        names[1001] = "carla"
        _ = try await store.record(Samples.run("thesis"), owner: 1001)
        #expect(await lensError { try await store.session("1001/thesis", for: 1002) }?.code == .notFound)
        #expect(await lensError { try await store.run(id, for: 1002) }?.code == .notFound)
    }

    @Test func theSystemKnowsRoot() async throws {
        #expect(try AccountDirectory.systemName(of: 0) == "root")
        #expect(try AccountDirectory.systemName(of: 4_123_456_789) == nil)
        #expect(try await AccountDirectory().account(of: 0) == Account(userID: 0, name: "root"))
    }

    /// Names are remembered, but not beyond a change of the file that they come from.
    @Test func aChangedFileIsSeenAtOnce() async throws {
        let path = folder.path + "/passwd"
        func write(_ text: String) {
            let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
            defer { close(descriptor) }
            _ = Glibc.write(descriptor, Array(text.utf8), text.utf8.count)
        }
        write("a")
        let directory = AccountDirectory(patience: .seconds(3600), file: path) { [names] (userID) in names[userID] }
        #expect(try await directory.account(of: 1001).name == "anna")
        names[1001] = "carla"
        #expect(try await directory.account(of: 1001).name == "anna")
        write("longer")
        #expect(try await directory.account(of: 1001).name == "carla")
    }
}
