import LensCore
import LensStore
import Testing

/// Names, notes, search and pages.
@Suite struct SessionKeepingTests {
    let store: SessionStore
    private let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
        store = try Samples.store(folder)
    }

    @Test func namesAreEachUsersOwn() async throws {
        let made = try await store.createSession(CreateSessionRequest(name: "ioi", note: "n"), owner: 1)
        #expect(made.runCount == 0 && made.note == "n" && made.owner == 1 && !made.isReadOnly)
        let again = await lensError { try await store.createSession(CreateSessionRequest(name: "ioi"), owner: 1) }
        #expect(again?.code == .alreadyExists)
        _ = try await store.createSession(CreateSessionRequest(name: "ioi"), owner: 2)
        _ = try await store.createSession(CreateSessionRequest(name: "b"), owner: 1)
        let taken = await lensError { try await store.renameSession("b", to: "ioi", by: 1) }
        #expect(taken?.code == .alreadyExists)
        try await store.renameSession("b", to: "b", by: 1)
        let run = try await store.record(Samples.run("b"), owner: 1).id
        try await store.renameSession("b", to: "c", by: 1)
        #expect(try await store.session("c", for: 1).runs.map(\.id) == [run])
        #expect(await lensError { try await store.session("b", for: 1) }?.code == .notFound)
    }

    @Test func notesAreWrittenReplacedAndTakenAway() async throws {
        let run = try await store.record(Samples.run(), owner: 1).id
        let session = try await store.session("default", for: 1).session.id
        #expect(try await store.setNote("one", ofRun: "last", by: 1) == run)
        #expect(try await store.setNote("line\n\ttwo 🎈", ofSession: "default", by: 1) == session)
        let detail = try await store.session("default", for: 1)
        #expect(detail.session.note == "line\n\ttwo 🎈" && detail.runs[0].note == "one")
        #expect(try await store.run(run, for: 1).summary.note == "one")
        _ = try await store.setNote("", ofRun: run, by: 1)
        #expect(try await store.run(run, for: 1).summary.note.isEmpty)
        let long = String(repeating: "é", count: 4096)
        _ = try await store.setNote(long, ofSession: "default", by: 1)
        #expect(try await store.session("default", for: 1).session.note == long)
        #expect(try await store.sessions(for: 1)[0].note.count == 200)
        for bad in [long + "x", "bell\u{7}", "\u{202E}", "a\u{0}b"] {
            let error = await lensError { try await store.setNote(bad, ofRun: run, by: 1) }
            #expect(error?.code == .invalidArgument)
            #expect(error?.message.contains("note") == true)
        }
    }

    @Test func searchFindsNamesNotesAndExcerpts() async throws {
        let ids = [
            try await store.record(Samples.run("alpha"), owner: 1).id,
            try await store.record(Samples.run("100%_sure\\"), owner: 1).id,
        ]
        _ = try await store.setNote("Head 8 again", ofRun: ids[0], by: 1)
        _ = try await store.setNote("a Ünderstudy", ofSession: "alpha", by: 1)
        func search(_ text: String) async throws -> (sessions: [String], runs: [String]) {
            let found = try await store.search(SearchSessionsRequest(text: text), for: 1)
            return (found.sessions.map(\.name), found.runs.map(\.id))
        }
        #expect(try await search("once UPON").runs == [ids[1], ids[0]])
        #expect(try await search("head 8").runs == [ids[0]])
        #expect(try await search("Ünder").sessions == ["alpha"])
        // Nothing is a wildcard.
        #expect(try await search("%").sessions == ["100%_sure\\"])
        #expect(try await search("_").sessions == ["100%_sure\\"])
        #expect(try await search("\\").sessions == ["100%_sure\\"])
        #expect(try await search("h%8").runs.isEmpty)
        for bad in ["", String(repeating: "x", count: 201), "a\u{0}"] {
            #expect(await lensError { try await search(bad) }?.code == .invalidArgument)
        }
    }

    @Test func longListsComeInPages() async throws {
        var ids: [String] = []
        for _ in 0..<7 { ids.insert(try await store.record(Samples.run(), owner: 1).id, at: 0) }
        var seen: [String] = []
        var before = ""
        while true {
            let page = try await store.session("default", before: before, limit: 3, for: 1)
            #expect(page.session.runCount == 7)
            seen += page.runs.map(\.id)
            guard page.hasMore, let last = page.runs.last else { break }
            before = last.id
        }
        #expect(seen == ids)
        let found = try await store.search(SearchSessionsRequest(text: "Once", before: ids[4], limit: 1), for: 1)
        #expect(found.runs.map(\.id) == [ids[5]] && found.hasMore && found.sessions.isEmpty)
        let absent = await lensError {
            try await store.session("default", before: String(repeating: "0", count: 32), for: 1)
        }
        #expect(absent?.code == .notFound)
        #expect(
            await lensError { try await store.session("default", before: "last", for: 1) }?.code == .invalidArgument)

        for name in ["a", "b", "c"] { _ = try await store.createSession(CreateSessionRequest(name: name), owner: 1) }
        let page = try await store.sessions(ListSessionsRequest(skip: 1, limit: 2), for: 1)
        #expect(page.total == 4 && page.sessions.map(\.name) == ["b", "a"])
    }

    /// What is long in one run makes an answer end earlier, never too large.
    @Test func aPageHoldsWhatAFrameHolds() async throws {
        let heads = Selection(heads: .list(Array(0..<3000)))
        let edit = Intervention(point: HookPoint(.z, layer: 0), action: .zero, selection: heads)
        for _ in 0..<200 { _ = try await store.record(Samples.run(interventions: [edit]), owner: 1) }
        let first = try await store.session("default", for: 1)
        let sizes = first.runs.map { $0.edits.reduce(0) { $0 + $1.utf8.count } }
        #expect(sizes.reduce(0, +) < 3 << 20 && first.hasMore)
        let rest = try await store.session("default", before: first.runs.last?.id ?? "", for: 1)
        #expect(first.runs.count + rest.runs.count == 200 && !rest.hasMore)
    }

    @Test func aSweepIsListedWithItsStrongestEffects() async throws {
        _ = try await store.record(Samples.sweep(), owner: 1)
        let effects = try await store.session("default", for: 1).runs[0].effects
        #expect(effects.map(\.place) == ["L1H1", "L1H0", "L0H1"])
        #expect(effects[0].delta == 1)
        #expect(try await store.run("last", for: 1).summary.effects == effects)
    }
}
