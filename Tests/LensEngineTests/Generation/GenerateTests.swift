import LensCore
import LensEngine
import LensModel
import LensTensor
import LensTestSupport
import Synchronization
import Testing

@Suite struct GenerateTests {
    /// An engine that serves one model under the name `tiny`, and what comes out of it.
    private struct Subject {
        let engine: Engine
        let reference = ModelReference(name: "tiny")

        init(_ folder: String, keptBytes: Int = 1 << 30) throws {
            let pool = ComputePool(threads: 2)
            let model = try LanguageModel(folder: Fixtures.folder(folder), on: pool)
            engine = try Engine(
                models: ResidentModels([RegisteredModel(name: "tiny", model: model)]), pool: pool,
                options: EngineOptions(keptBytes: keptBytes))
        }

        func recipe(_ prompts: [[Int32]], _ edits: [InterventionSpec] = []) throws -> Recipe {
            try engine.prepare(model: reference, prompts: prompts.map { .tokens($0) }, interventions: edits)
        }

        func generate(
            _ prompts: [[Int32]], _ options: GenerationOptions, edits: [InterventionSpec] = [],
            control: CallControl = CallControl(),
            progress: @escaping @Sendable ([GeneratedTokens]) -> Void = { _ in }
        ) async throws -> GenerateReply {
            try await engine.generate(
                options, recipe: recipe(prompts, edits), control: control, progress: progress)
        }

        /// Tokens decoded together.
        func text(_ tokens: ArraySlice<Token>) throws -> String {
            try engine.tokenize(TokenizeRequest(model: reference, prompts: [.tokens(tokens.map(\.id))])).texts[0]
        }

        /// Why a generation is refused.
        func refusal(
            _ prompts: [[Int32]], _ options: GenerationOptions = GenerationOptions(maxNewTokens: 3, temperature: 0),
            edits: [InterventionSpec] = []
        ) async -> String? {
            do {
                _ = try await generate(prompts, options, edits: edits)
                return nil
            } catch {
                return (error as? LensError).map { "\($0.code.name): \($0.message)" } ?? "\(error)"
            }
        }
    }

    private static func greedy(_ count: Int, stopsAtEOS: Bool = true) -> GenerationOptions {
        GenerationOptions(maxNewTokens: count, temperature: 0, stopsAtEOS: stopsAtEOS)
    }

    // MARK: - Against the references

    /// Token by token what transformers and TransformerLens generate, each prompt alone.
    @Test func greedyTextsAreTheReferences() async throws {
        let records = try GreedyRecord.all()
        #expect(Set(records.map(\.model)).count >= 5)
        for record in records {
            let subject = try Subject(record.folder)
            let count = record.tokens.count - record.prompt.count
            let reply = try await subject.generate([record.prompt], Self.greedy(count))
            let found = reply.prompts[0]
            #expect(found.tokens.map(\.id) == record.tokens, "\(record.model) \(record.prompt)")
            #expect(found.promptLength == record.prompt.count)
            let worst = excess(found.logprobs, over: record.logprobs, absolute: 1e-4, relative: 1e-4)
            #expect(worst <= 0, "\(record.model) \(record.prompt): \(worst)")
            try FamilyResults.record(
                record.folder, "generation", worst: found.tokens.map(\.id) == record.tokens ? 0 : .nan, count: count)
        }
    }

    /// In one batch every prompt gets what it gets alone, whatever the others' lengths.
    @Test(arguments: [0.0, 0.8])
    func othersInTheBatchDoNotMatter(temperature: Double) async throws {
        let subject = try Subject("gpt-neo-3l-local")
        let options = GenerationOptions(maxNewTokens: 12, temperature: temperature, seed: 11)
        let prompts: [[Int32]] = [
            [0, 3], [0, 100, 7, 100, 7, 100, 7, 9], [5], Array(repeating: 8, count: 25), [0, 3],
        ]
        let together = try await subject.generate(prompts, options)
        for (index, prompt) in prompts.enumerated() {
            // A prompt's random numbers are those of its place, so it is asked for at the same place.
            var alone = Array(repeating: [Int32(1)], count: index)
            alone.append(prompt)
            let single = try await subject.generate(alone, options).prompts[index]
            #expect(single.tokens == together.prompts[index].tokens, "\(prompt)")
            #expect(
                excess(single.logprobs, over: together.prompts[index].logprobs, absolute: 1e-5, relative: 1e-5) <= 0)
        }
        let twins = together.prompts[0].tokens == together.prompts[4].tokens
        #expect(twins == (temperature == 0))
    }

    @Test func theSeedGivesTheTextAgain() async throws {
        let subject = try Subject("../../Models/tinytales-1l")
        func text(_ seed: UInt64?) async throws -> (GenerateReply, String) {
            let options = GenerationOptions(maxNewTokens: 30, temperature: 1, topK: 100, topP: 0.95, seed: seed)
            let reply = try await subject.generate([[0, 740, 79]], options)
            return (reply, reply.prompts[0].text)
        }
        let (_, one) = try await text(5)
        #expect(try await text(5).1 == one)
        #expect(try await text(6).1 != one)
        // Without a seed the reply says which it was.
        let (reply, other) = try await text(nil)
        let seed = try #require(reply.options.seed)
        #expect(seed < 1 << 53)
        #expect(try await text(seed).1 == other)
    }

    // MARK: - Ends

    @Test func textsEndWhereTheyShould() async throws {
        let subject = try Subject("gpt-neo-1l-16h")
        let prompt: [Int32] = [0, 17, 40, 201, 17]
        let plain = try await subject.generate([prompt], Self.greedy(10, stopsAtEOS: false)).prompts[0]
        #expect(plain.finishReason == .length)
        #expect(plain.tokens.count == 15)
        #expect(plain.text == (try subject.text(plain.tokens[5...])))
        // A token named as EOS ends it: kept among the tokens, left out of the text.
        var options = Self.greedy(10)
        let end = plain.tokens[7].id
        options.eosTokens = [end]
        let first = try #require(plain.tokens[5...].firstIndex { $0.id == end })
        let ended = try await subject.generate([prompt], options).prompts[0]
        #expect(ended.finishReason == .eos)
        #expect(ended.tokens == Array(plain.tokens[...first]))
        #expect(ended.text == (try subject.text(plain.tokens[5..<first])))
        // A stop string across tokens ends it where it is complete.
        let middle = "99"
        options = Self.greedy(10)
        options.stopStrings = [middle]
        let stopped = try await subject.generate([prompt], options).prompts[0]
        #expect(stopped.finishReason == .stop)
        #expect(!stopped.text.contains(middle))
        #expect(plain.text.hasPrefix(stopped.text + middle))
        #expect(stopped.tokens.count < plain.tokens.count)
        // The context of 48 ends it; a prompt that fills it stays as it is.
        let long = try await subject.generate(
            [prompt, Array(repeating: 3, count: 48)], Self.greedy(1000, stopsAtEOS: false))
        #expect(long.prompts.map(\.tokens.count) == [48, 48])
        #expect(long.prompts.map(\.finishReason) == [.context, .context])
        #expect(long.prompts[1].logprobs.isEmpty)
        #expect(long.prompts[1].meanLogprob.isNaN)
    }

    /// The pieces that came are the result: no token lost, none twice, in order.
    @Test func progressIsTheResult() async throws {
        let subject = try Subject("../../Models/tinytales-1l")
        let log = Mutex<[[GeneratedTokens]]>([])
        var options = GenerationOptions(maxNewTokens: 40, temperature: 1.2, seed: 3)
        options.stopStrings = [". "]
        let reply = try await subject.generate([[0, 740], [0], [0, 1992, 429, 259, 685]], options) { news in
            log.withLock { $0.append(news) }
        }
        let events = log.withLock { $0 }.flatMap { $0 }
        for (index, result) in reply.prompts.enumerated() {
            let own = events.filter { $0.prompt == index }
            #expect(own.flatMap(\.tokens) == result.newTokens)
            #expect(own.map(\.text).joined() == result.text)
            #expect(own.allSatisfy { $0.tokens.count == 1 })
        }
    }

    // MARK: - Edits

    private static func operand(_ shape: [Int], _ value: Float) throws -> Operand {
        try Operand(shape: shape, values: Array(repeating: value, count: shape.reduce(1, *)))
    }

    /// A run of the final tokens under the same edits gives each new token the probability that it had.
    @Test func editedTextsAreThoseOfAnEditedRun() async throws {
        let subject = try Subject("gpt-neo-3l-local")
        let prompts: [[Int32]] = [[0, 100, 7, 100, 7, 9], [0, 3, 4, 5, 6, 7, 8, 9]]
        let edits: [InterventionSpec] = [
            InterventionSpec(hook: "z1", action: .zero, selection: Selection(heads: .list([2]))),
            InterventionSpec(hook: "resid_pre1", action: .add(try Self.operand([32], 0.3))),
            InterventionSpec(hook: "mlp_out0", action: .scale(-1), selection: Selection(components: .list([0, 5]))),
            InterventionSpec(hook: "pattern1", action: .mask, selection: Selection(sources: .list([1]))),
            InterventionSpec(
                hook: "attn_scores0", action: .mask,
                selection: Selection(
                    heads: .index(1), positions: .range(start: 1, stop: nil, step: 1), sources: .index(0))),
            InterventionSpec(hook: "attn_scores2", action: .scale(0.5)),
            InterventionSpec(
                hook: "pattern2", action: .zero, selection: Selection(positions: .range(start: 2, stop: 9, step: 3))),
            InterventionSpec(
                hook: "k2", action: .set(try Self.operand([], 0.1)), selection: Selection(heads: .index(0))),
            InterventionSpec(hook: "v0", action: .meanOf(.prompts([.tokens([0, 9, 8])]))),
            InterventionSpec(
                hook: "resid_mid0", action: .patch(.prompts([.tokens([0, 50, 60, 70])]), prompt: nil, positions: nil),
                selection: Selection(positions: .list([1, 3]))),
            InterventionSpec(
                hook: "resid_post1", action: .swap(prompt: 1),
                selection: Selection(prompts: .list([0]), positions: .list([2, 4]))),
            InterventionSpec(hook: "post0", action: .project(try Self.operand([80], 1))),
            InterventionSpec(
                hook: "resid_post2", action: .add(try Self.operand([], 1)),
                selection: Selection(positions: .range(start: 3, stop: nil, step: 2))),
            InterventionSpec(
                hook: "pattern0", action: .set(try Self.operand([], 0.5)),
                selection: Selection(positions: .range(start: 4, stop: nil, step: 1), sources: .list([0, 3]))),
            InterventionSpec(
                hook: "unembed.hook_out", action: .set(try Self.operand([], 9)),
                selection: Selection(components: .index(77))),
        ]
        let options = GenerationOptions(maxNewTokens: 14, temperature: 1, seed: 2, stopsAtEOS: false)
        let plain = try await subject.generate(prompts, options)
        for edits in edits.map({ [$0] }) + [Array(edits[..<6]), Array(edits[6...])] {
            let name = edits.map { "\($0.action.name) \($0.hook)" }.joined(separator: ", ")
            let reply = try await subject.generate(prompts, options, edits: edits)
            #expect(reply.prompts.map(\.logprobs) != plain.prompts.map(\.logprobs), "\(name) changed nothing")
            let final = try subject.recipe(reply.prompts.map { $0.tokens.map(\.id) }, edits)
            let run = try await subject.engine.run(
                RunRequest(model: final.model, prompts: [], wantsPerTokenLoss: true, isRecorded: false),
                recipe: final, control: CallControl())
            for (generated, result) in zip(reply.prompts, run.prompts) {
                let losses = result.perTokenLoss.suffix(generated.logprobs.count)
                let worst = excess(generated.logprobs.map { -$0 }, over: Array(losses), absolute: 2e-5, relative: 2e-5)
                #expect(worst <= 0, "\(name): \(worst)")
            }
        }
    }

    @Test func editsThatTokensToComeWouldChangeAreRefused() async throws {
        let subject = try Subject("gpt-neo-3l-local")
        let prompt: [Int32] = [0, 3, 4, 5, 6]
        let refused: [(String, InterventionSpec)] = [
            ("mean", InterventionSpec(hook: "z0", action: .mean)),
            ("front", InterventionSpec(hook: "z0", action: .zero, selection: Selection(positions: .index(-1)))),
            ("front", InterventionSpec(hook: "z0", action: .zero, selection: Selection(positions: .list([1, -2])))),
            (
                "front",
                InterventionSpec(
                    hook: "z0", action: .zero, selection: Selection(positions: .range(start: 0, stop: -1, step: 1)))
            ),
            ("front", InterventionSpec(hook: "pattern0", action: .mask, selection: Selection(sources: .index(-1)))),
            ("still to come", InterventionSpec(hook: "attn_scores0", action: .zero)),
            ("still to come", InterventionSpec(hook: "pattern0", action: .add(try Self.operand([], 0.5)))),
            (
                "still to come",
                InterventionSpec(
                    hook: "pattern0", action: .set(try Self.operand([], 1)), selection: Selection(sources: .index(2)))
            ),
            ("grows", InterventionSpec(hook: "pattern0", action: .project(try Self.operand([5], 1)))),
            ("new tokens", InterventionSpec(hook: "resid_pre0", action: .set(try Self.operand([5, 32], 1)))),
            (
                "new tokens",
                InterventionSpec(
                    hook: "z0", action: .patch(.prompts([.tokens([0, 1, 2, 3, 4])]), prompt: nil, positions: nil))
            ),
        ]
        for (word, edit) in refused {
            let message = await subject.refusal([prompt], edits: [edit])
            #expect(message?.hasPrefix("INVALID_ARGUMENT") == true, "\(edit)")
            #expect(message?.contains(word) == true, "\(edit): \(message ?? "accepted")")
        }
        // A run of the prompt alone takes them all.
        for (_, edit) in refused { _ = try subject.recipe([prompt], [edit]) }
        let swap = InterventionSpec(
            hook: "z0", action: .swap(prompt: 1), selection: Selection(prompts: .list([0]), positions: .index(1)))
        let full = await subject.refusal([prompt, Array(repeating: 1, count: 32)], edits: [swap])
        #expect(full?.contains("fills the context") == true)
    }

    // MARK: - Limits

    @Test func badOptionsNameWhatIsWrong() async throws {
        let subject = try Subject("gpt-neo-1l-16h")
        func refusal(_ change: (inout GenerationOptions) -> Void) async -> String? {
            var options = GenerationOptions(maxNewTokens: 2)
            change(&options)
            return await subject.refusal([[0, 1]], options)
        }
        #expect(await refusal { _ in } == nil)
        #expect(
            await refusal { $0.maxNewTokens = 0 } == "INVALID_ARGUMENT: max_new_tokens must be 1 or more; received 0")
        #expect(await refusal { $0.maxNewTokens = .max } == nil)
        #expect(
            await refusal { $0.temperature = -0.5 }?.contains("temperature must be 0 or more; received -0.5") == true)
        #expect(await refusal { $0.temperature = .nan }?.contains("temperature") == true)
        #expect(await refusal { $0.topK = 0 }?.contains("top_k must be 1 or more; received 0") == true)
        #expect(await refusal { $0.topK = .max } == nil)
        #expect(await refusal { $0.topP = 0 }?.contains("top_p") == true)
        #expect(await refusal { $0.topP = 1.01 }?.contains("received 1.01") == true)
        #expect(await refusal { $0.topP = .nan }?.contains("top_p") == true)
        #expect(await refusal { $0.topP = 1 } == nil)
        #expect(await refusal { $0.frequencyPenalty = -1 }?.contains("freq_penalty") == true)
        #expect(await refusal { $0.eosTokens = [320] }?.contains("0...319") == true)
        #expect(await refusal { $0.stopStrings = [""] }?.contains("stop string") == true)
        #expect(await refusal { $0.stopStrings = [String(repeating: "x", count: 257)] }?.contains("257") == true)
        #expect(await refusal { $0.stopStrings = Array(repeating: "x", count: 17) }?.contains("17") == true)
        #expect(await refusal { $0.seed = .max }?.contains("seed") == true)
    }

    @Test func editsThatLeaveNoDistributionEndTheCall() async throws {
        let subject = try Subject("gpt-neo-1l-16h")
        let edit = InterventionSpec(hook: "resid_post0", action: .scale(.greatestFiniteMagnitude))
        let message = await subject.refusal([[0, 1]], edits: [edit])
        #expect(message?.contains("no distribution") == true)
    }

    @Test func cancelledGenerationsEnd() async throws {
        let subject = try Subject("../../Models/tinytales-1l")
        let control = CallControl()
        let steps = Mutex(0)
        await #expect(throws: LensError.cancelled) {
            _ = try await subject.generate(
                [[0, 1]], GenerationOptions(maxNewTokens: 500, stopsAtEOS: false), control: control
            ) { _ in
                let count = steps.withLock { count in
                    count += 1
                    return count
                }
                if count == 3 { control.cancel() }
            }
        }
        #expect(steps.withLock { $0 } == 3)
        // The memory is back: the next one runs.
        #expect(await subject.refusal([[0, 1]]) == nil)
    }

    @Test func memoryForKeysAndValuesIsBounded() async throws {
        // 48 positions of one layer take 24 KiB: two texts at once are more than there is.
        let subject = try Subject("gpt-neo-1l-16h", keptBytes: 30_000)
        let release = Mutex(false)
        async let first: GenerateReply = subject.generate([[0, 1]], Self.greedy(40, stopsAtEOS: false)) { _ in
            // The engine's thread is held until the other call was refused.
            while !release.withLock({ $0 }) {}
        }
        while subject.engine.statistics.runningJobs == 0 { await Task.yield() }
        let message = await subject.refusal([[0, 1]], Self.greedy(40))
        release.withLock { $0 = true }
        #expect(message?.hasPrefix("RESOURCE_EXHAUSTED") == true)
        #expect(message?.contains("generated") == true)
        _ = try await first
        #expect(await subject.refusal([[0, 1]], Self.greedy(40)) == nil)
    }

    /// Others have their turn between the tokens.
    @Test func runsComeBetweenTokens() async throws {
        let subject = try Subject("../../Models/tinytales-1l")
        let steps = Mutex(0)
        async let text = subject.generate(
            [[0, 1]], GenerationOptions(maxNewTokens: 500, seed: 1, stopsAtEOS: false)
        ) { _ in steps.withLock { $0 += 1 } }
        while steps.withLock({ $0 }) == 0 { await Task.yield() }
        let recipe = try subject.recipe([[0, 1, 2]])
        _ = try await subject.engine.run(
            RunRequest(model: recipe.model, prompts: [], isRecorded: false), recipe: recipe, control: CallControl())
        let atEnd = steps.withLock { $0 }
        #expect(atEnd < 500)
        #expect(try await text.prompts[0].logprobs.count == 500)
    }
}
