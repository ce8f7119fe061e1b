import LensCore
import LensStore
import Testing

/// Who may do what: every call on a session for its owner, a user it is shared with, a stranger and the administrator.
@Suite struct SharingTests {
    static let owner: UInt32 = 1000
    static let grantee: UInt32 = 1001
    static let stranger: UInt32 = 1002
    /// Root administrates the daemon and reads nobody's sessions.
    static let administrator: UInt32 = 0

    /// A call about a session called by `name` and its run, and what it is to end with.
    struct Call: Sendable, CustomTestStringConvertible {
        let name: String
        /// What whom the session is shared with gets; `nil` is success.
        let forGrantee: StatusCode?
        let body: @Sendable (SessionStore, _ session: String, _ run: String, _ caller: UInt32) async throws -> Void

        var testDescription: String { name }
    }

    static let calls = [
        Call(name: "show", forGrantee: nil) { store, session, _, caller in
            _ = try await store.session(session, for: caller)
        },
        Call(name: "a page of show", forGrantee: nil) { store, session, run, caller in
            _ = try await store.session(session, before: run, for: caller)
        },
        Call(name: "run by its id", forGrantee: nil) { store, _, run, caller in
            _ = try await store.run(run, for: caller)
        },
        Call(name: "run by a prefix", forGrantee: nil) { store, _, run, caller in
            _ = try await store.run(String(run.prefix(8)), for: caller)
        },
        Call(name: "run within its session", forGrantee: nil) { store, session, run, caller in
            _ = try await store.run("\(session):\(run.prefix(8))", for: caller)
        },
        Call(name: "last of the session", forGrantee: nil) { store, session, _, caller in
            _ = try await store.run("\(session):last", for: caller)
        },
        Call(name: "recipe", forGrantee: nil) { store, _, run, caller in
            _ = try await store.recipe(of: run, for: caller)
        },
        Call(name: "search behind a run", forGrantee: nil) { store, _, run, caller in
            _ = try await store.search(SearchSessionsRequest(text: "Once", before: run), for: caller)
        },
        Call(name: "grants", forGrantee: .permissionDenied) { store, session, _, caller in
            _ = try await store.grants(of: session, by: caller)
        },
        Call(name: "share on", forGrantee: .permissionDenied) { store, session, _, caller in
            _ = try await store.share(session, with: 1007, by: caller)
        },
        Call(name: "unshare", forGrantee: .permissionDenied) { store, session, _, caller in
            _ = try await store.unshare(session, with: grantee, by: caller)
        },
        Call(name: "note on the session", forGrantee: .permissionDenied) { store, session, _, caller in
            _ = try await store.setNote("mine", ofSession: session, by: caller)
        },
        Call(name: "note on the run", forGrantee: .permissionDenied) { store, _, run, caller in
            _ = try await store.setNote("mine", ofRun: run, by: caller)
        },
        Call(name: "rename", forGrantee: .permissionDenied) { store, session, _, caller in
            try await store.renameSession(session, to: "other", by: caller)
        },
        Call(name: "delete", forGrantee: .permissionDenied) { store, session, _, caller in
            _ = try await store.deleteSession(session, by: caller)
        },
    ]

    let folder: TemporaryFolder
    let store: SessionStore

    init() throws {
        folder = try TemporaryFolder()
        store = try Samples.store(folder)
    }

    @Test(arguments: calls) func everyCallKnowsItsCaller(call: Call) async throws {
        let run = try await store.record(Samples.run("secret"), owner: Self.owner).id
        _ = try await store.share("secret", with: Self.grantee, by: Self.owner)
        let address = "\(Self.owner)/secret"
        let before = try await store.session("secret", for: Self.owner)

        let forGrantee = await lensError { try await call.body(store, address, run, Self.grantee) }
        #expect(forGrantee?.code == call.forGrantee)

        // To others the session is as absent as in a store that has nothing at all.
        let empty = try Samples.store(folder, state: "empty")
        for caller in [Self.stranger, Self.administrator] {
            let foreign = await lensError { try await call.body(store, address, run, caller) }
            #expect(foreign?.code == .notFound)
            #expect(await lensError { try await call.body(empty, address, run, caller) } == foreign)
            // By its bare name neither.
            let bare = await lensError { try await call.body(store, "secret", run, caller) }
            #expect(bare?.code == .notFound)
            #expect(await lensError { try await call.body(empty, "secret", run, caller) } == bare)
        }
        try empty.close()
        // Nobody changed anything.
        #expect(try await store.session("secret", for: Self.owner) == before)

        #expect(await lensError { try await call.body(store, "secret", run, Self.owner) } == nil)
    }

    @Test func lists() async throws {
        _ = try await store.record(Samples.run("secret"), owner: Self.owner)
        _ = try await store.record(Samples.run("mine"), owner: Self.grantee)
        _ = try await store.share("secret", with: Self.grantee, by: Self.owner)
        let seen = try await store.sessions(for: Self.grantee)
        #expect(seen.map(\.name) == ["mine", "secret"])
        #expect(seen.map(\.isReadOnly) == [false, true])
        #expect(seen.map(\.owner) == [Self.grantee, Self.owner])
        // Who else reads it is the owner's to know.
        #expect(seen[1].grantCount == 0)
        #expect(try await store.sessions(for: Self.owner).map(\.grantCount) == [1])
        for caller in [Self.stranger, Self.administrator] {
            #expect(try await store.sessions(for: caller).isEmpty)
            let found = try await store.search(SearchSessionsRequest(text: "e"), for: caller)
            #expect(found == SessionFindings(sessions: [], runs: [], hasMore: false))
        }
        let found = try await store.search(SearchSessionsRequest(text: "ONCE"), for: Self.grantee)
        #expect(found.runs.map(\.owner) == [Self.grantee, Self.owner])
    }

    @Test func aRevokedGrantIsOverAtOnce() async throws {
        let run = try await store.record(Samples.run("secret"), owner: Self.owner).id
        _ = try await store.share("secret", with: Self.grantee, by: Self.owner)
        _ = try await store.run(run, for: Self.grantee)
        #expect(try await store.unshare("secret", with: Self.grantee, by: Self.owner).isEmpty)
        #expect(await lensError { try await store.run(run, for: Self.grantee) }?.code == .notFound)
        let again = await lensError { try await store.unshare("secret", with: Self.grantee, by: Self.owner) }
        #expect(again?.code == .notFound)
    }

    @Test func whatIsDeletedTakesItsGrantsAlong() async throws {
        _ = try await store.record(Samples.run("secret"), owner: Self.owner)
        _ = try await store.share("secret", with: Self.grantee, by: Self.owner)
        _ = try await store.deleteSession("secret", by: Self.owner)
        _ = try await store.record(Samples.run("secret"), owner: Self.owner)
        #expect(try await store.sessions(for: Self.grantee).isEmpty)
    }

    @Test func sharingIsOfOtherUsersAndOnce() async throws {
        _ = try await store.record(Samples.run("secret"), owner: Self.owner)
        let oneself = await lensError { try await store.share("secret", with: Self.owner, by: Self.owner) }
        #expect(oneself?.code == .invalidArgument)
        for _ in 0..<2 {
            let grants = try await store.share("secret", with: Self.grantee, by: Self.owner)
            #expect(grants.map(\.userID) == [Self.grantee])
        }
        for user in 0..<255 { _ = try await store.share("secret", with: UInt32(5000 + user), by: Self.owner) }
        let tooMany = await lensError { try await store.share("secret", with: 1, by: Self.owner) }
        #expect(tooMany?.code == .resourceExhausted)
        #expect(try await store.grants(of: "secret", by: Self.owner).count == 256)
    }

    /// What others share neither hides one's own runs nor makes their prefixes ambiguous.
    @Test func onesOwnRunsComeFirst() async throws {
        let foreign = try await store.record(Samples.run("secret"), owner: Self.owner).id
        _ = try await store.share("secret", with: Self.grantee, by: Self.owner)
        #expect(await lensError { try await store.run("last", for: Self.grantee) }?.code == .notFound)
        let mine = try await store.record(Samples.run(), owner: Self.grantee).id
        #expect(try await store.run("last", for: Self.grantee).id == mine)
        #expect(try await store.run("\(Self.owner)/secret:last", for: Self.grantee).id == foreign)
        #expect(try await store.run("default:last", for: Self.grantee).id == mine)
        let elsewhere = await lensError { try await store.run("default:\(foreign)", for: Self.grantee) }
        #expect(elsewhere == .notFound("no run 'default:\(foreign)' in session 'default'"))
    }

    @Test func theOwnerMayCallHisSessionInFull() async throws {
        _ = try await store.record(Samples.run("mine"), owner: Self.owner)
        #expect(try await store.session("\(Self.owner)/mine", for: Self.owner).session.isReadOnly == false)
        try await store.renameSession("\(Self.owner)/mine", to: "renamed", by: Self.owner)
        #expect(try await store.sessions(for: Self.owner).map(\.name) == ["renamed"])
    }

    /// A name with a '/' would look like another user's session.
    @Test func newNamesHaveNoSlash() async throws {
        for error in [
            await lensError { try await store.record(Samples.run("1001/ioi"), owner: Self.owner) },
            await lensError { try await store.checkRecording(into: "a/b", owner: Self.owner) },
            await lensError { try await store.createSession(CreateSessionRequest(name: "a/b"), owner: Self.owner) },
        ] {
            #expect(error?.code == .invalidArgument)
            #expect(error?.message.contains("no '/'") == true)
        }
        #expect(try await store.counts(owner: Self.owner).sessions == 0)
    }
}
