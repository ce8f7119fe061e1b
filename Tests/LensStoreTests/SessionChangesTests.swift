import LensCore
import LensStore
import Testing

/// Changes of sessions under request ids: each is made once, and every try of it gets its answer.
@Suite struct SessionChangesTests {
    let store: SessionStore
    private let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
        store = try Samples.store(folder)
    }

    private func address(_ name: String) throws -> SessionAddress { SessionAddress(try SessionName(checking: name)) }

    @Test func eachIsMadeOnce() async throws {
        let one = try await store.createSession(CreateSessionRequest(name: "a", note: "n"), requestID: [1], owner: 1)
        let again = try await store.createSession(CreateSessionRequest(name: "a", note: "n"), requestID: [1], owner: 1)
        #expect(one == again)
        for _ in 0..<2 { try await store.renameSession(address("a"), to: "b", requestID: [2], by: 1) }
        for _ in 0..<2 {
            #expect(try await store.share(address("b"), with: 2, requestID: [3], by: 1).map(\.userID) == [2])
        }
        for _ in 0..<2 { #expect(try await store.unshare(address("b"), with: 2, requestID: [4], by: 1).isEmpty) }
        // A retry that comes late does not share it again.
        #expect(try await store.share(address("b"), with: 2, requestID: [3], by: 1).isEmpty)
        for _ in 0..<2 { #expect(try await store.setNote("x", of: address("b"), requestID: [5], by: 1) == one.id) }
        let run = try await store.record(Samples.run("b"), owner: 1).id
        for _ in 0..<2 {
            #expect(try await store.setNote("y", of: RunAddress("last"), requestID: [6], by: 1) == run)
        }
        for _ in 0..<2 { #expect(try await store.deleteSession(address("b"), requestID: [7], by: 1) == 1) }
        #expect(try await store.counts(owner: 1) == StoreCounts(sessions: 0, runs: 0))
        // What was made and is gone is not made again.
        let late = await lensError {
            try await store.createSession(CreateSessionRequest(name: "a", note: "n"), requestID: [1], owner: 1)
        }
        #expect(late?.code == .notFound)
    }

    @Test func anIDIsOneUsersAndForOneQuestion() async throws {
        _ = try await store.createSession(CreateSessionRequest(name: "a", note: "n"), requestID: [1], owner: 1)
        _ = try await store.createSession(CreateSessionRequest(name: "b"), requestID: [1], owner: 2)
        #expect(try await store.sessions(for: 2).map(\.name) == ["b"])
        let other = await lensError {
            try await store.createSession(CreateSessionRequest(name: "b"), requestID: [1], owner: 1)
        }
        #expect(other?.code == .invalidArgument)
        // Side by side the two texts are those of the first call.
        let shifted = await lensError {
            try await store.createSession(CreateSessionRequest(name: "an"), requestID: [1], owner: 1)
        }
        #expect(shifted?.code == .invalidArgument)
        let long = await lensError {
            try await store.deleteSession(address("a"), requestID: [UInt8](repeating: 1, count: 65), by: 1)
        }
        #expect(long?.code == .invalidArgument)
        // A failure is no answer: the retry may find that it can be done now.
        let absent = await lensError { try await store.deleteSession(address("c"), requestID: [2], by: 1) }
        #expect(absent?.code == .notFound)
        _ = try await store.createSession(CreateSessionRequest(name: "c"), owner: 1)
        #expect(try await store.deleteSession(address("c"), requestID: [2], by: 1) == 0)
    }

    @Test func theyOutliveTheDaemonAndAreForgottenInTheEnd() async throws {
        _ = try await store.createSession(CreateSessionRequest(name: "a"), requestID: [1], owner: 1)
        try store.close()
        let next = try Samples.store(folder, state: "next", after: "state")
        #expect(try await next.createSession(CreateSessionRequest(name: "a"), requestID: [1], owner: 1).name == "a")
        for index in 0..<1000 {
            _ = try await next.setNote(
                "n", of: address("a"), requestID: [2, UInt8(index >> 8), UInt8(index & 255)], by: 1)
        }
        let forgotten = await lensError {
            try await next.createSession(CreateSessionRequest(name: "a"), requestID: [1], owner: 1)
        }
        #expect(forgotten?.code == .alreadyExists)
        #expect(try await next.check().complaints.isEmpty)
    }

    @Test func anImportIsWholeOrNotThere() async throws {
        let request = CreateSessionRequest(name: "in")
        let record = try await store.record(Samples.run(), owner: 1)
        let run = try PortableRun.decode(try PortableRun.encode(record))
        // The first try is cut off, and does not know.
        let first = try await store.beginImport(request, requestID: [1], owner: 1)
        try await store.add(run, to: first.session, owner: 1)
        let second = try await store.beginImport(request, requestID: [1], owner: 1)
        #expect(!first.isIn && !second.isIn && first.session != second.session)
        #expect(await lensError { try await store.add(run, to: first.session, owner: 1) }?.code == .notFound)
        await store.dropImport(first.session, owner: 1)
        try await store.add(run, to: second.session, owner: 1)
        let whole = try await store.endImport(of: request, as: second.session, requestID: [1], owner: 1)
        #expect(whole.runCount == 1 && whole.id == second.session)
        // Its answer is lost; nobody drops it any more, and the retry finds it.
        await store.dropImport(second.session, owner: 1)
        let third = try await store.beginImport(request, requestID: [1], owner: 1)
        #expect(third.isIn && third.session == second.session)
        #expect(try await store.endImport(of: request, as: third.session, requestID: [1], owner: 1) == whole)
        // Another one of that name is another one.
        #expect(
            await lensError { try await store.beginImport(request, requestID: [2], owner: 1) }?.code == .alreadyExists)
        let half = try await store.beginImport(CreateSessionRequest(name: "half"), requestID: [3], owner: 1)
        try await store.add(run, to: half.session, owner: 1)
        try folder.snapshot(to: "crash")
        let reopened = try Samples.store(folder, state: "crash")
        #expect(try await reopened.sessions(for: 1).map(\.name).sorted() == ["default", "in"])
        #expect(try await reopened.check().complaints.isEmpty)
    }
}
