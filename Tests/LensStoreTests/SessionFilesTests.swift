import LensCore
import LensStore
import Testing

/// Runs as a session's file holds them: out and in again, and what is no run.
@Suite struct SessionFilesTests {
    let store: SessionStore
    private let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
        store = try Samples.store(folder)
    }

    /// Edits of every kind that holds values or other passes.
    private static let edits: [Intervention] = {
        let other = Recipe(
            fingerprint: "f0", model: ModelReference(name: "tiny", form: .raw), tokens: [[1, 2], [3]],
            interventions: [Intervention(point: HookPoint(.z, layer: 0), action: .zero)])
        let values = (try? Operand(shape: [3], values: [0.1, -.infinity, -0.0])).map {
            [
                Intervention(
                    point: HookPoint(.residPre, layer: 0), action: .set($0),
                    selection: Selection(positions: .index(-1), components: .list([1, 0])))
            ]
        }
        return (values ?? []) + [
            Intervention(point: HookPoint(.z, layer: 0), action: .scale(-0.1)),
            Intervention(
                point: HookPoint(.q, layer: 0), action: .patch(other, prompt: 1, positions: .list([1])),
                selection: Selection(positions: .list([0]))),
        ]
    }()

    private func runs() -> [NewRun] {
        [
            Samples.run(tokens: [[0, 17, .max], [5]], interventions: Self.edits), Samples.sweep(),
            Samples.generation(), Samples.run(isHooked: true),
        ]
    }

    @Test func whatIsWrittenIsReadBackExactly() async throws {
        for new in runs() {
            let recorded = try await store.record(new, owner: 1)
            _ = try await store.setNote("a note\nof two lines", ofRun: recorded.id, by: 1)
            let record = try await store.run(recorded.id, for: 1)
            let json = try PortableRun.encode(record)
            let request = CreateSessionRequest(name: "i\(record.id.prefix(8))")
            let (session, _) = try await store.beginImport(request, owner: 2)
            try await store.add(try PortableRun.decode(json), to: session, owner: 2)
            let found = try await store.run("last", for: 2)
            #expect(found.recipe == record.recipe)
            #expect(found.id != record.id && found.summary.isImported)
            // Everything but the id, the session and the mark.
            var copy = found
            copy.summary = record.summary
            copy.lensdVersion = found.lensdVersion
            #expect(try PortableRun.encode(copy) == json)
            var summary = found.summary
            (summary.id, summary.session, summary.owner) = (record.id, record.summary.session, record.summary.owner)
            summary.isImported = false
            #expect("\(summary)" == "\(record.summary)")
            #expect("\(found.result)".replacing(found.id, with: record.id) == "\(record.result)")
        }
    }

    @Test func numbersAreReadable() async throws {
        let record = try await store.record(Samples.sweep(), owner: 1)
        let json = String(decoding: try PortableRun.encode(record), as: UTF8.self)
        #expect(json.contains(#""values":[2.5,2.83"#))
        #expect(json.contains(#""standardErrors":["nan",0.1,0.1,0.1]"#))
        let edited = try await store.record(Samples.run(interventions: Self.edits), owner: 1)
        let text = String(decoding: try PortableRun.encode(edited), as: UTF8.self)
        #expect(text.contains(#""values":[0.1,"-inf",-0"#))
        #expect(text.contains(#""tokens":[[0,17,4095]]"#))
    }

    @Test func whatIsNoRunIsRefused() async throws {
        let record = try await store.record(Samples.run(interventions: Self.edits), owner: 1)
        let json = String(decoding: try PortableRun.encode(record), as: UTF8.self)
        _ = try PortableRun.decode(Array(json.utf8))
        let wrong = [
            ("", ""), (json, "[]"), (#""schema":1"#, #""schema":2"#), (#""kind":"run""#, #""kind":"walk""#),
            (#""kind":"run""#, #""kind":"sweep""#), (#"[[0,17,4095]]"#, "[[0,17]]"), (#"[[0,17,4095]]"#, "[[0,-1,2]]"),
            (#"[[0,17,4095]]"#, "[]"), (#"[[0,17,4095]]"#, "[[0,17,4294967296]]"),
            (#""fingerprint":"ab"#, #""fingerprint":"..""#), (#""fingerprint":"ab"#, #""fingerprint":"/b"#),
            (#""model":"tiny""#, #""model":"../x""#), (#""model":"tiny""#, #""model":"@raw""#),
            (#""action":"scale""#, #""action":"grow""#), (#""hook":"attn.hook_z""#, #""hook":"attn.hook_y""#),
            (#""shape":[3]"#, #""shape":[4]"#), (#""shape":[3]"#, #""shape":[-3]"#),
            (#""shape":[3]"#, #""shape":[4611686018427387904,4]"#), (#""note":"""#, #""note":"\u0007""#),
            (#""created_at":"#, #""created_at":-"#), (#""created_at":"#, #""created_at":"nan","x":"#),
            (#""lensd_version":""#, #""lensd_version":"\u001b"#), (#""result":"#, #""results":"#),
            (#""loss":0.3"#, #""loss":[0],"x":0.3"#),
        ]
        for (old, new) in wrong {
            let text = old.isEmpty ? "" : json.replacing(old, with: new)
            #expect(text != json, "\(old)")
            let error = await lensError { try PortableRun.decode(Array(text.utf8)) }
            #expect([.invalidArgument, .unimplemented].contains(error?.code), "\(old) → \(new)")
            #expect(error?.message.unicodeScalars.allSatisfy { $0.properties.generalCategory != .control } == true)
        }
        // Passes that lie deeper in one another than any request may.
        var deep = record
        for _ in 0..<5 {
            let source = deep.recipe
            deep.recipe.interventions = [Intervention(point: HookPoint(.z, layer: 0), action: .meanOf(source))]
        }
        let depth = await lensError { try PortableRun.decode(try PortableRun.encode(deep)) }
        #expect(depth?.code == .invalidArgument)
        let many = await lensError { try PortableRun.decode([UInt8](repeating: UInt8(ascii: "["), count: 8 << 20)) }
        #expect(many?.message.contains("at most") == true)
    }

    @Test func runsOfASessionAreNamedWithinIt() async throws {
        let first = try await store.record(Samples.run("a"), owner: 1).id
        let second = try await store.record(Samples.run("a"), owner: 1).id
        let other = try await store.record(Samples.run("b"), owner: 1).id
        let address = SessionAddress(try SessionName(checking: "a"))
        let all = try await store.runs([], of: address, for: 1)
        #expect(all.runs.count == 2 && all.session.runCount == 2)
        var ids: [String] = []
        for run in all.runs { ids.append(try await store.run(run, for: 1).id) }
        #expect(ids == [first, second])
        let named = try await store.runs([String(second.prefix(12))], of: address, for: 1)
        #expect(try await store.run(named.runs[0], for: 1).id == second)
        #expect(await lensError { try await store.runs([other], of: address, for: 1) }?.code == .notFound)
        #expect(await lensError { try await store.runs([], of: address, for: 2) }?.code == .notFound)
    }

    @Test func aDroppedImportLeavesNothing() async throws {
        let record = try await store.record(Samples.run(), owner: 1)
        let (session, _) = try await store.beginImport(CreateSessionRequest(name: "new"), owner: 1)
        let run = try PortableRun.decode(try PortableRun.encode(record))
        try await store.add(run, to: session, owner: 1)
        // Somebody else's is as absent as none.
        #expect(await lensError { try await store.add(run, to: session, owner: 2) }?.code == .notFound)
        await store.dropImport(session, owner: 2)
        #expect(try await store.counts(owner: 1) == StoreCounts(sessions: 2, runs: 2))
        await store.dropImport(session, owner: 1)
        #expect(try await store.counts(owner: 1) == StoreCounts(sessions: 1, runs: 1))
    }
}
