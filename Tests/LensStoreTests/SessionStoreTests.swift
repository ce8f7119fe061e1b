import LensCore
import LensStore
import Testing

@Suite struct SessionStoreTests {
    let folder: TemporaryFolder
    let store: SessionStore

    init() throws {
        folder = try TemporaryFolder()
        store = try Samples.store(folder)
    }

    @Test func aRunComesBackAsItWasRecorded() async throws {
        let other = Recipe(
            fingerprint: "f", model: ModelReference(name: "tiny", form: .raw), tokens: [[1, 2], [3]],
            interventions: [Intervention(point: HookPoint(.z, layer: 0), action: .zero)])
        let edits = [
            Intervention(point: HookPoint(.z, layer: 3), action: .zero, selection: Selection(heads: .list([0, 15]))),
            Intervention(point: HookPoint(.embed), action: .mean),
            Intervention(
                point: HookPoint(.residPre, layer: 0),
                action: .set(try Operand(shape: [2], values: [0.1, -.infinity])),
                selection: Selection(prompts: .list([0]), positions: .index(-1), components: .list([1, 0]))),
            Intervention(point: HookPoint(.mlpPost, layer: 0), action: .add(try Operand(2))),
            Intervention(point: HookPoint(.z, layer: 0), action: .scale(-0.1)),
            Intervention(
                point: HookPoint(.residPost, layer: 0), action: .project(try Operand(shape: [2], values: [1, 2]))),
            Intervention(
                point: HookPoint(.pattern, layer: 0), action: .mask,
                selection: Selection(sources: .range(start: nil, stop: -1, step: 2))),
            Intervention(point: HookPoint(.v, layer: 0), action: .swap(prompt: 1)),
            Intervention(point: HookPoint(.k, layer: 0), action: .meanOf(other)),
            Intervention(
                point: HookPoint(.q, layer: 0), action: .patch(other, prompt: 1, positions: .list([1])),
                selection: Selection(positions: .list([0]))),
            Intervention(point: HookPoint(.q, layer: 1), action: .patch(other, prompt: nil, positions: nil)),
        ]
        let new = Samples.run(tokens: [[0, 17, Int32.max], [5], []], interventions: edits, form: .raw)
        let recorded = try await store.record(new, owner: 1000)
        let found = try await store.run(recorded.id, for: 1000)
        #expect(found.recipe == new.recipe)
        #expect(try await store.recipe(of: "last", for: 1000).recipe == new.recipe)
        #expect(found.id.utf8.count == 32 && found.id.allSatisfy(\.isHexDigit))
        #expect(found.summary.model == "tiny@raw" && found.lensdVersion == lensdVersion)
        #expect(found.summary.promptCount == 3 && found.summary.tokenCount == 4)
        guard case .run(let reply) = found.result, case .run(let sent) = new.result else { throw Unexpected() }
        #expect(reply.runID == found.id && reply.model == "tiny" && reply.form == .raw)
        #expect(reply.loss == 1.0 / 3.0)
        #expect(reply.prompts[0] == sent.prompts[0])
        #expect(reply.prompts[1].loss.isNaN && reply.prompts[2].tokens.isEmpty)
    }

    @Test func listsSayWhatWasEdited() async throws {
        let z = HookPoint(.z, layer: 2)
        let source = Samples.run(tokens: [[0, 1, 2]]).recipe
        let edits = [
            Intervention(point: z, action: .zero, selection: Selection(heads: .list([3]), positions: .index(-1))),
            Intervention(point: z, action: .scale(0.5)),
            Intervention(point: z, action: .set(try Operand(shape: [2], values: [1, 2]))),
            Intervention(point: z, action: .patch(source, prompt: 0, positions: .range(start: 2, stop: 5, step: 1))),
            Intervention(point: z, action: .mean),
        ]
        let recorded = try await store.record(Samples.run(interventions: edits), owner: 1)
        let texts = [
            "zero blocks.2.attn.hook_z head=3, pos=-1", "scale blocks.2.attn.hook_z 0.5",
            "set blocks.2.attn.hook_z (2 values)",
            "patch blocks.2.attn.hook_z from=(3 tokens) from_prompt=0 from_pos=2:5", "and 1 more",
        ]
        #expect(recorded.summary.edits == texts)
        #expect(try await store.run("last", for: 1).summary.edits == texts)
        #expect(try await store.session("default", for: 1).runs[0].edits == texts)
        let large = Intervention(
            point: z, action: .add(try Operand(shape: [8192], values: Array(repeating: 1, count: 8192))))
        _ = try await store.record(Samples.run(interventions: [large]), owner: 1)
        #expect(try await store.session("default", for: 1).runs[0].edits == ["edits with many values"])
    }

    @Test func aSweepComesBackAsItWasRecorded() async throws {
        let new = Samples.sweep()
        let recorded = try await store.record(new, owner: 7)
        guard case .sweep(let reply, let question) = try await store.run(recorded.id, for: 7).result,
            case .sweep(let sent, let asked) = new.result
        else { throw Unexpected() }
        #expect(question == asked)
        #expect(reply.heads.dropFirst() == sent.heads.dropFirst())
        #expect(reply.heads[0].standardError.isNaN)
        #expect(reply.action == "mean" && reply.hooks == ["z"] && reply.tokens == sent.tokens)
        #expect(reply.baselineLosses == [2, 3] && reply.runID == recorded.id)
    }

    @Test func aGenerationComesBackAsItWasRecorded() async throws {
        let options = GenerationOptions(
            maxNewTokens: 9, temperature: 0.7, topK: 5, topP: 0.9, frequencyPenalty: 0.5, seed: 1 << 62,
            stopsAtEOS: false, eosTokens: [3], stopStrings: ["ab\u{0}"])
        let new = Samples.generation(options: options)
        let recorded = try await store.record(new, owner: 7)
        let found = try await store.run("last", for: 7)
        guard case .generation(let reply) = found.result, case .generation(let sent) = new.result else {
            throw Unexpected()
        }
        #expect(reply.prompts == sent.prompts && reply.options == options && reply.runID == recorded.id)
        #expect(found.recipe.tokens == [[0, 5, 6, 7], [0]])
        let summary = try await store.session("default", for: 7).runs[0]
        #expect(summary.kind == .generation && summary.detail.hasPrefix("9 tokens, temperature 0.7, top-k 5"))
        #expect(abs(summary.loss - 7.0 / 24) < 1e-7)
    }

    /// A retry names the prompts, not what they became.
    @Test func aGenerationAnswersItsRetry() async throws {
        let recorded = try await store.record(Samples.generation(requestID: "call"), owner: 1)
        let options = GenerationOptions(maxNewTokens: 3, seed: 5)
        func retry(_ tokens: [[Int32]], _ options: GenerationOptions) async throws -> String? {
            var recipe = recorded.recipe
            recipe.tokens = tokens
            return try await store.earlierRun(
                requestID: Array("call".utf8), recipe: recipe, subject: .generation(options), owner: 1)?.id
        }
        #expect(try await retry([[0, 5], [0]], options) == recorded.id)
        #expect(await lensError { try await retry([[0, 5, 6, 7], [0]], options) }?.code == .invalidArgument)
        #expect(
            await lensError { try await retry([[0, 5], [0]], GenerationOptions(maxNewTokens: 4, seed: 5)) } != nil)
    }

    @Test func aLossThatIsNoneStaysNaN() async throws {
        let recorded = try await store.record(Samples.run(tokens: [[0]]), owner: 1)
        #expect(recorded.summary.loss.isNaN)
        #expect(try await store.run("last", for: 1).summary.loss.isNaN)
    }

    @Test func runsAreFoundByPrefixAndLast() async throws {
        var ids: [String] = []
        for _ in 0..<8 { ids.append(try await store.record(Samples.run(), owner: 1).id) }
        #expect(try await store.run("last", for: 1).id == ids[7])
        let id = ids[3]
        #expect(try await store.run(String(id.prefix(12)), for: 1).id == id)
        #expect(try await store.run(id.uppercased(), for: 1).id == id)
        for bad in ["", "abc", "xyzw", id + "0", "LAST", "last ", "ab\u{1B}cd"] {
            let error = await lensError { try await store.run(bad, for: 1) }
            #expect(error?.code == .invalidArgument, "\(bad)")
        }
        let escaped = await lensError { try await store.run("ab\u{1B}cd", for: 1) }
        #expect(escaped?.message.contains("\\u{1b}") == true)
    }

    @Test func anAmbiguousPrefixSaysHowManyRunsShareIt() async throws {
        // 800 ids share 65536 prefixes: a pair is all but certain (1 − e^−4.9), and the seed of all is random.
        var prefixes: [String: Int] = [:]
        for _ in 0..<800 {
            prefixes[String(try await store.record(Samples.run(), owner: 1).id.prefix(4)), default: 0] += 1
        }
        guard let (prefix, count) = prefixes.first(where: { $0.value > 1 }) else { return }
        let error = await lensError { try await store.run(prefix, for: 1) }
        #expect(
            error == .invalidArgument("the prefix '\(prefix)' is shared by \(count) of your runs; give more digits"))
    }

    @Test func whatBelongsToSomebodyElseIsAnsweredAsAbsent() async throws {
        let recorded = try await store.record(Samples.run("secret", requestID: "r1"), owner: 1)
        for reference in [recorded.id, String(recorded.id.prefix(8)), "last"] {
            let foreign = await lensError { try await store.run(reference, for: 2) }
            #expect(foreign?.code == .notFound)
            #expect(await lensError { try await store.recipe(of: reference, for: 2) } == foreign)
            // The same question to a store that has nothing at all.
            let empty = try Samples.store(folder, state: "empty")
            #expect(await lensError { try await empty.run(reference, for: 2) } == foreign)
            try empty.close()
        }
        let session = await lensError { try await store.session("secret", for: 2) }
        #expect(session == .notFound("no session 'secret' among your sessions"))
        #expect(await lensError { try await store.deleteSession("secret", by: 2) } == session)
        #expect(try await store.sessions(for: 2).isEmpty)
        #expect(try await store.counts(owner: 2) == StoreCounts(sessions: 0, runs: 0))
        let earlier = try await store.earlierRun(
            requestID: Array("r1".utf8), recipe: recorded.recipe, subject: .run, owner: 2)
        #expect(earlier == nil)
        // Names and request ids are each user's own.
        let theirs = try await store.record(Samples.run("secret", requestID: "r1"), owner: 2)
        #expect(theirs.id != recorded.id)
        #expect(try await store.deleteSession("secret", by: 2) == 1)
        #expect(try await store.run(recorded.id, for: 1).id == recorded.id)
    }

    @Test func theHighestUidsAreOwnersLikeOthers() async throws {
        for owner in [0, 65_533, UInt32.max] {
            let id = try await store.record(Samples.run(), owner: owner).id
            #expect(try await store.run("last", for: owner).id == id)
        }
    }

    @Test func aRetryIsRecordedOnce() async throws {
        let first = try await store.record(Samples.run(requestID: "call-1"), owner: 1)
        let second = try await store.record(Samples.run(requestID: "call-1"), owner: 1)
        #expect(second.id == first.id)
        #expect(try await store.counts(owner: 1).runs == 1)
        let id = Array("call-1".utf8)
        #expect(
            try await store.earlierRun(requestID: id, recipe: first.recipe, subject: .run, owner: 1)?.id == first.id)
        let other = await lensError {
            try await store.earlierRun(
                requestID: id, recipe: first.recipe, subject: .sweep(Samples.question()), owner: 1)
        }
        #expect(other?.code == .invalidArgument)
        #expect(try await store.earlierRun(requestID: [], recipe: first.recipe, subject: .run, owner: 1) == nil)
        let reused = [
            Samples.run(tokens: [[1, 2]], requestID: "call-1"), Samples.sweep(requestID: "call-1"),
            Samples.run(requestID: String(repeating: "x", count: 65)),
        ]
        for run in reused {
            #expect(await lensError { try await store.record(run, owner: 1) }?.code == .invalidArgument)
        }
        #expect(try await store.counts(owner: 1).runs == 1)
        // Without an id every call is its own.
        for _ in 0..<2 { _ = try await store.record(Samples.run(), owner: 1) }
        #expect(try await store.counts(owner: 1).runs == 3)
    }

    @Test func retriesAtTheSameTimeAreRecordedOnce() async throws {
        let ids = try await withThrowingTaskGroup(of: String.self) { group in
            for _ in 0..<24 { group.addTask { try await store.record(Samples.sweep(requestID: "same"), owner: 1).id } }
            return try await group.reduce(into: Set<String>()) { $0.insert($1) }
        }
        #expect(ids.count == 1)
        #expect(try await store.counts(owner: 1) == StoreCounts(sessions: 1, runs: 1))
    }

    @Test func sessionsAreListedShownAndDeleted() async throws {
        for name in ["first", "second", "первый 🎈"] { _ = try await store.record(Samples.run(name), owner: 1) }
        let newest = try await store.record(Samples.sweep("first"), owner: 1)
        let sessions = try await store.sessions(for: 1)
        #expect(sessions.map(\.name) == ["first", "первый 🎈", "second"])
        #expect(sessions.map(\.runCount) == [2, 1, 1])
        #expect(sessions[0].updatedAt >= sessions[0].createdAt && sessions[0].createdAt > 1.7e9)

        let detail = try await store.session("first", for: 1)
        #expect(detail.session == sessions[0])
        #expect(detail.runs.map(\.kind) == [.sweep, .run])
        #expect(detail.runs[0] == newest.summary)
        #expect(try await store.session("first", limit: 1, for: 1).runs.map(\.id) == [newest.id])

        #expect(try await store.deleteSession("first", by: 1) == 2)
        #expect(await lensError { try await store.run(newest.id, for: 1) }?.code == .notFound)
        #expect(await lensError { try await store.session("first", for: 1) }?.code == .notFound)
        #expect(try await store.counts(owner: 1) == StoreCounts(sessions: 2, runs: 2))
    }

    @Test(arguments: ["", "a\nb", "bell\u{7}", "right\u{202E}left", "line\u{2028}", String(repeating: "n", count: 65)])
    func aNameThatIsNoneIsRefusedEverywhere(name: String) async throws {
        for error in [
            await lensError { try await store.record(Samples.run(name), owner: 1) },
            await lensError { try await store.session(name, for: 1) },
            await lensError { try await store.deleteSession(name, by: 1) },
        ] {
            #expect(error?.code == .invalidArgument)
            #expect(error?.message.contains("1 to 64 printable characters; received") == true)
            #expect(error?.message.unicodeScalars.allSatisfy { $0.properties.generalCategory != .control } == true)
        }
        #expect(try await store.counts(owner: 1).sessions == 0)
    }

    @Test func longExcerptsAreCut() async throws {
        var run = Samples.run()
        run.excerpt = String(repeating: "é", count: 500)
        #expect(try await store.record(run, owner: 1).summary.excerpt.count == NewRun.excerptLength)
    }

    @Test func aResultOfAnotherRecipeIsNotRecorded() async throws {
        var run = Samples.run()
        run.recipe.tokens[0][0] = 99
        #expect(await lensError { try await store.record(run, owner: 1) }?.code == .internal)
        #expect(try await store.counts(owner: 1).runs == 0)
    }

    @Test func manyWritersAtOnceLoseNothing() async throws {
        let ids = try await withThrowingTaskGroup(of: String.self) { group in
            for index in 0..<64 {
                group.addTask {
                    try await store.record(
                        Samples.run("s\(index % 5)", tokens: [[Int32(index)]]), owner: UInt32(index % 3)
                    ).id
                }
            }
            return try await group.reduce(into: Set<String>()) { $0.insert($1) }
        }
        #expect(ids.count == 64)
        var total = 0
        for owner in 0..<3 {
            let counts = try await store.counts(owner: UInt32(owner))
            #expect(counts.sessions == 5)
            total += counts.runs
        }
        #expect(total == 64)
    }

    // MARK: - Hook functions

    @Test func aHookedRunHasItsResultAndNoRecipe() async throws {
        let plain = try await store.record(Samples.run(), owner: 1).id
        let hooked = try await store.record(Samples.run(isHooked: true), owner: 1)
        #expect(hooked.summary.isHooked)
        #expect(try await store.run(hooked.id, for: 1).summary.loss == 1.0 / 3.0)
        #expect(try await store.session("default", for: 1).runs.map(\.isHooked) == [true, false])
        let error = await lensError { try await store.recipe(of: hooked.id, for: 1) }
        #expect(error?.code == .failedPrecondition)
        #expect(error?.message.contains("a hook function took part") == true)
        #expect(await lensError { try await store.recipe(of: "last", for: 1) }?.code == .failedPrecondition)
        #expect(await lensError { try await store.recipe(of: hooked.id, for: 2) }?.code == .notFound)
        #expect(try await store.recipe(of: plain, for: 1).runID == plain)
    }

    /// A request id that a run without hooks used is not a retry of one with them.
    @Test func aHookedRunAnswersNoPlainOne() async throws {
        let hooked = try await store.record(Samples.run(requestID: "r", isHooked: true), owner: 1).id
        #expect(try await store.record(Samples.run(requestID: "r", isHooked: true), owner: 1).id == hooked)
        #expect(
            await lensError { try await store.record(Samples.run(requestID: "r"), owner: 1) }?.code == .invalidArgument)
        let recipe = Samples.run().recipe
        let error = await lensError {
            try await store.earlierRun(requestID: Array("r".utf8), recipe: recipe, subject: .run, owner: 1)
        }
        #expect(error?.code == .invalidArgument)
    }
}

struct Unexpected: Error {
}
