import LensCore
import LensEngine
import LensTestSupport
import Synchronization
import Testing

/// Passes that park at hook points and take what a client makes of the activations.
@Suite struct HookedRunTests {
    let fixture: EngineFixture

    init() throws {
        fixture = try EngineFixture("gpt-neo-3l-local")
    }

    /// A client whose function maps the values of each activation it sees; `nil` leaves them as they are.
    private final class ScriptedClient: Sendable {
        struct State {
            var activation: HookedActivation?
            var bytes: [UInt8] = []
            var answers: [HookAnswer] = []
            var parked: [String] = []
            var kept: [String: [Float]] = [:]
            var isKept = false
        }

        let state = Mutex(State())
        private let function: @Sendable (HookedActivation, [Float]) -> [HookAnswer]

        init(_ function: @escaping @Sendable (HookedActivation, [Float]) -> [HookAnswer] = { _, _ in [.unchanged] }) {
            self.function = function
        }

        /// Replaces what the function returns values for.
        static func mapping(_ map: @escaping @Sendable (String, [Float]) -> [Float]?) -> ScriptedClient {
            ScriptedClient { activation, values in
                guard let changed = map(activation.hook, values) else { return [.unchanged] }
                return replacement(shapes: activation.shapes, changed)
            }
        }

        /// In pieces that end in the middle of a value.
        static func replacement(shapes: [[Int]], _ values: [Float]) -> [HookAnswer] {
            let bytes = values.withUnsafeBytes { Array($0) }
            let pieces = stride(from: 0, to: bytes.count, by: 1001).map { start in
                HookAnswer.values(Array(bytes[start..<min(start + 1001, bytes.count)]))
            }
            return [.replacement(shapes: shapes)] + pieces
        }

        var client: HookClient { client(of: 1) }

        func client(of user: UInt32) -> HookClient {
            HookClient(user: user) { [self] event in
                state.withLock { state in
                    switch event {
                    case .parked(let activation), .kept(let activation):
                        if case .kept = event { state.isKept = true } else { state.isKept = false }
                        state.activation = activation
                        state.bytes = []
                    case .values(let bytes): state.bytes += bytes
                    }
                    guard let activation = state.activation,
                        state.bytes.count == 4 * activation.shapes.reduce(0, { $0 + $1.reduce(1, *) })
                    else { return }
                    let values = state.bytes.withUnsafeBytes { Array($0.bindMemory(to: Float.self)) }
                    if state.isKept {
                        state.kept[activation.hook] = values
                    } else {
                        state.parked.append(activation.hook)
                        state.answers += function(activation, values)
                    }
                }
            } receive: { [self] in
                state.withLock { $0.answers.isEmpty ? nil : $0.answers.removeFirst() }
            }
        }
    }

    private func run(
        _ recipe: Recipe, hooks: [String], keep: NamesFilter = .none, _ client: HookClient,
        control: CallControl = CallControl()
    ) async throws -> RunReply {
        let run = RunRequest(
            model: recipe.model, prompts: [], topCount: 2, wantsPerTokenLoss: true, keep: keep, isRecorded: false)
        return try await fixture.engine.runHooked(
            HookedRunRequest(run: run, hooks: hooks), recipe: recipe, client: client, control: control)
    }

    private func refusal(_ recipe: Recipe, hooks: [String], _ client: ScriptedClient) async -> LensError? {
        do {
            _ = try await run(recipe, hooks: hooks, client.client)
            return nil
        } catch {
            return error as? LensError
        }
    }

    @Test(arguments: [ModelReference.Form.processed, .raw])
    func lookingEverywhereChangesNothing(form: ModelReference.Form) async throws {
        let recipe = try fixture.recipe(form, ["seq7", "seq2", "seq1"])
        let plain = try await fixture.run(recipe, top: 2)
        let client = ScriptedClient()
        // Starred points included.
        let names = try fixture.engine.models.model(for: ModelReference(name: nil)).model.configuration.hookPoints.map(
            \.name)
        let reply = try await run(recipe, hooks: names, keep: .names(names), client.client)
        #expect(client.state.withLock { $0.parked } == names)
        #expect(abs(reply.loss - plain.loss) < 1e-5)
        #expect(reply.prompts.map(\.tokens) == plain.prompts.map(\.tokens))
        for name in ["blocks.1.attn.hook_pattern", "blocks.2.hook_resid_post", "blocks.0.hook_q_input"] {
            let (expected, _) = try await fixture.query(recipe, name)
            let kept = try #require(client.state.withLock { $0.kept[name] })
            #expect(kept.count == expected.count)
            #expect(zip(kept, expected).allSatisfy { abs($0 - $1) <= 1e-4 + 1e-4 * abs($1) }, "\(name)")
        }
    }

    /// The same edits, once as functions and once as typed interventions.
    @Test(arguments: ["blocks.1.attn.hook_z", "blocks.0.hook_resid_mid", "blocks.2.attn.hook_pattern", "hook_embed"])
    func aFunctionDoesWhatAnEditDoes(hook: String) async throws {
        let sequences = ["seq7", "seq1", "seq2"]
        let typed = try await fixture.run(
            try fixture.recipe(.processed, sequences, [InterventionSpec(hook: hook, action: .scale(0.25))]), top: 2)
        let client = ScriptedClient.mapping { _, values in values.map { $0 * 0.25 } }
        let reply = try await run(try fixture.recipe(.processed, sequences), hooks: [hook], client.client)
        #expect(zip(reply.prompts, typed.prompts).allSatisfy { abs($0.loss - $1.loss) < 1e-5 || $0.loss.isNaN })
        #expect(reply.prompts.map { $0.top.map(\.token) } == typed.prompts.map { $0.top.map(\.token) })
    }

    @Test func interventionsComeBeforeFunctionsAndKeptIsWhatBothLeft() async throws {
        let recipe = try fixture.recipe(.raw, ["seq7"], [InterventionSpec(hook: "z1", action: .zero)])
        let client = ScriptedClient.mapping { _, values in values.map { $0 + 2 } }
        _ = try await run(recipe, hooks: ["z1"], keep: .names(["z1", "attn_out1"]), client.client)
        #expect(client.state.withLock { $0.kept["blocks.1.attn.hook_z"]?.allSatisfy { $0 == 2 } } == true)
        #expect(client.state.withLock { $0.kept.count } == 2)
        // An edit behind the last stop is made all the same.
        let late = try fixture.recipe(.raw, ["seq7"], [InterventionSpec(hook: "mlp_out2", action: .zero)])
        let reply = try await run(late, hooks: ["z0"], ScriptedClient().client)
        let expected = try await fixture.run(late)
        #expect(abs(reply.loss - expected.loss) < 1e-5)
    }

    @Test func answersThatDoNotFitAreRefused() async throws {
        let recipe = try fixture.recipe(.raw, ["seq7", "seq2"])
        let name = "blocks.1.attn.hook_z"
        func answering(
            _ answers: @escaping @Sendable (HookedActivation, [Float]) -> [HookAnswer]
        ) async -> LensError? {
            await refusal(recipe, hooks: [name], ScriptedClient(answers))
        }
        let wrongShape = await answering { _, values in
            ScriptedClient.replacement(shapes: [[7, 4, 8], [2, 4, 9]], values)
        }
        #expect(wrongShape?.code == .invalidArgument)
        #expect(wrongShape?.message.contains(name) == true)
        #expect(wrongShape?.message.contains("[2, 4, 8] in sequence 1; received [2, 4, 9]") == true)
        let cases: [@Sendable (HookedActivation, [Float]) -> [HookAnswer]] = [
            { activation, values in ScriptedClient.replacement(shapes: [activation.shapes[0]], values) },
            { activation, values in ScriptedClient.replacement(shapes: activation.shapes, values + [1]) },
            { activation, values in
                Array(ScriptedClient.replacement(shapes: activation.shapes, values).dropLast()) + [.unchanged]
            },
            { activation, _ in [.replacement(shapes: activation.shapes), .values([])] },
            { activation, _ in [.replacement(shapes: activation.shapes), .replacement(shapes: activation.shapes)] },
            { _, _ in [.values([0, 0, 0, 0])] },
            { _, _ in [] },
        ]
        for (index, answers) in cases.enumerated() {
            let error = await answering(answers)
            #expect(error?.code == .invalidArgument, "case \(index)")
            #expect(error?.message.contains(name) == true, "case \(index): \(error?.message ?? "")")
        }
    }

    @Test func valuesAreFiniteExceptWhereScoresAreMasked() async throws {
        let recipe = try fixture.recipe(.raw, ["seq7"])
        for (hook, value, isGood) in [
            ("z1", Float.infinity, false), ("z1", -.infinity, false), ("attn_scores1", .infinity, false),
            ("attn_scores1", .nan, false), ("attn_scores1", -.infinity, true), ("pattern1", -.infinity, false),
        ] {
            let client = ScriptedClient.mapping { _, values in
                var changed = values
                changed[5] = value
                return changed
            }
            let outcome = await refusal(recipe, hooks: [hook], client)
            #expect((outcome == nil) == isGood, "\(hook) \(value)")
            #expect(isGood || outcome?.message.contains("received \(value) at [0, 0, 5] of sequence 0") == true)
        }
    }

    @Test func aHeadsInputAndItsNormAreNotEditedTogether() async throws {
        let recipe = try fixture.recipe(.raw, ["seq7"])
        let both = ["blocks.1.hook_q_input", "blocks.1.ln1.hook_normalized"]
        let edited = await refusal(recipe, hooks: both, .mapping { _, values in values.map { $0 * 2 } })
        #expect(edited?.message.contains("norms of their own") == true)
        // Looking at both is no edit.
        #expect(await refusal(recipe, hooks: both, ScriptedClient()) == nil)
    }

    @Test func tokensCanBeReplacedByTokens() async throws {
        let recipe = try fixture.recipe(.processed, ["seq7"])
        let other = try fixture.tokens("seq7").map { ($0 * 7 + 3) % 280 }
        let client = ScriptedClient { activation, _ in
            let bytes = other.withUnsafeBytes { Array($0) }
            return [.replacement(shapes: activation.shapes), .values(bytes)]
        }
        let reply = try await run(recipe, hooks: ["hook_tokens"], client.client)
        let expected = try fixture.engine.prepare(
            model: recipe.model, prompts: [.tokens(other)], interventions: [])
        #expect(abs(try await fixture.run(expected).loss - reply.loss) < 1e-5)
        let bad = ScriptedClient { activation, _ in
            [.replacement(shapes: activation.shapes), .values([UInt8](repeating: 0xff, count: 28))]
        }
        #expect(await refusal(recipe, hooks: ["hook_tokens"], bad)?.code == .invalidArgument)
    }

    // MARK: - While it is parked

    @Test func othersRunWhileAPassIsParked() async throws {
        let recipe = try fixture.recipe(.raw, ["seq7"])
        let fixture = fixture
        let answered = Mutex(0)
        let client = HookClient(user: 1) { _ in
        } receive: {
            // Whoever thinks holds up nobody: these would never end if the pass held the thread.
            for _ in 0..<20 { _ = try await fixture.run(try fixture.recipe(.raw, ["seq24"])) }
            answered.withLock { $0 += 1 }
            return .unchanged
        }
        _ = try await run(recipe, hooks: ["z0", "z1", "z2"], client)
        #expect(answered.withLock { $0 } == 3)
    }

    @Test func theClockStandsStillWhileTheClientThinks() async throws {
        let recipe = try fixture.recipe(.raw, ["seq7"])
        let control = CallControl(deadline: .now + .milliseconds(150))
        let client = HookClient(user: 1) { _ in
        } receive: {
            #expect(control.pausedSince != nil)
            try await Task.sleep(for: .milliseconds(200))
            return .unchanged
        }
        _ = try await run(recipe, hooks: ["z0", "z1"], client, control: control)
        #expect(control.pausedSince == nil)
    }

    @Test func aPassMustFitWholeAndParkedPassesAreBounded() async throws {
        let small = try EngineFixture("gpt-neo-3l-local", parkedBytes: 5 << 20)
        let recipe = try small.recipe(.raw, ["seq24"])
        let crowd = try small.recipe(.raw, Array(repeating: "seq24", count: 80))
        let refused = await #expect(throws: LensError.self) {
            _ = try await Self.run(crowd, on: small, ScriptedClient().client)
        }
        #expect(refused?.code == .invalidArgument)
        #expect(refused?.message.contains("1920 in 80 prompts") == true)
        // The second finds what the first holds, another user's share is free; afterwards there is room again.
        let large = try small.recipe(.raw, Array(repeating: "seq24", count: 60))
        let codes = Mutex<[StatusCode?]>([])
        let client = HookClient(user: 1) { _ in
        } receive: {
            for user: UInt32 in [1, 2] {
                do {
                    _ = try await Self.run(recipe, on: small, ScriptedClient().client(of: user))
                    codes.withLock { $0.append(.ok) }
                } catch {
                    codes.withLock { $0.append((error as? LensError)?.code) }
                }
            }
            throw LensError.cancelled
        }
        await #expect(throws: LensError.cancelled) { _ = try await Self.run(large, on: small, client) }
        #expect(codes.withLock { $0 } == [.resourceExhausted, .ok])
        _ = try await Self.run(recipe, on: small, ScriptedClient().client)
    }

    private static func run(
        _ recipe: Recipe, on fixture: EngineFixture, _ client: HookClient
    ) async throws -> RunReply {
        try await fixture.engine.runHooked(
            HookedRunRequest(run: RunRequest(model: recipe.model, prompts: [], isRecorded: false), hooks: ["z1"]),
            recipe: recipe, client: client, control: CallControl())
    }

    @Test func namesAreHeldAgainstTheModel() async throws {
        let recipe = try fixture.recipe(.raw, ["seq7"])
        let error = await refusal(recipe, hooks: ["blocks.1.attn.hook_zz"], ScriptedClient())
        #expect(error?.code == .notFound)
        #expect(error?.message.contains("blocks.1.attn.hook_z") == true)
        #expect(await refusal(recipe, hooks: Array(repeating: "z0", count: 5000), ScriptedClient()) != nil)
    }
}
