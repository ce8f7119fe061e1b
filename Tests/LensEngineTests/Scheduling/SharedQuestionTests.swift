import LensCore
import LensEngine
import LensTestSupport
import Synchronization
import Testing

/// The same question asked twice, by anyone, is computed once, and nobody can tell.
@Suite struct SharedQuestionTests {
    let fixture: EngineFixture
    private let zero = InterventionSpec(hook: "z", action: .zero)

    init() throws { fixture = try EngineFixture("gpt-neo-3l-local") }

    private func engine(of user: UInt32) -> Engine { fixture.engine.with(fixture.engine.models, for: user) }

    private func run(
        _ recipe: Recipe, as user: UInt32, top: Int = 0, keep: NamesFilter = .none
    ) async throws -> RunReply {
        try await engine(of: user).run(
            RunRequest(
                model: recipe.model, prompts: [], topCount: top, wantsPerTokenLoss: true, keep: keep,
                isRecorded: false),
            recipe: recipe, control: CallControl())
    }

    private func sweep(
        _ spec: SweepSpec, of recipe: Recipe, as user: UInt32, control: CallControl = CallControl(),
        progress: @escaping @Sendable (Int, Int) -> Void = { _, _ in }
    ) async throws -> SweepReply {
        try await engine(of: user).sweep(
            SweepRequest(model: recipe.model, prompts: [], sweep: spec), recipe: recipe, control: control,
            progress: progress)
    }

    private var rows: Int { fixture.engine.statistics.passes.rows }

    @Test func aRunIsComputedOnce() async throws {
        let recipe = try fixture.recipe(.processed, ["seq7", "seq24"])
        let first = try await run(recipe, as: 1)
        let computed = rows
        let second = try await run(recipe, as: 2)
        #expect(rows == computed)
        #expect(first.loss == second.loss)
        #expect(first.prompts.map(\.perTokenLoss) == second.prompts.map(\.perTokenLoss))
        // Everybody is charged the same, and sees what he is charged.
        #expect(engine(of: 1).amounts(of: 1) == engine(of: 2).amounts(of: 2))
        #expect(engine(of: 2).amounts(of: 2).cachedBytes > 0)
        #expect(engine(of: 3).amounts(of: 3).cachedBytes == 0)
    }

    @Test func whatIsAskedIsPartOfTheQuestion() async throws {
        let recipe = try fixture.recipe(.processed, ["seq7"])
        let plain = try await run(recipe, as: 1)
        #expect(plain.prompts[0].top.isEmpty)
        #expect(try await run(recipe, as: 1, top: 3).prompts[0].top.count == 3)
        #expect(try await run(recipe, as: 1, top: 5).prompts[0].top.count == 5)
        let others = [
            try fixture.recipe(.raw, ["seq7"]),
            try fixture.recipe(.processed, ["seq7"], [InterventionSpec(hook: "z0", action: .zero)]),
            try fixture.recipe(.processed, ["seq24"]),
            try fixture.recipe(
                .processed, ["seq7"], [InterventionSpec(hook: "z0", action: .set(try Operand(0.5)))]),
            try fixture.recipe(
                .processed, ["seq7"], [InterventionSpec(hook: "z0", action: .set(try Operand(0.25)))]),
        ]
        var losses: Set<[Float]> = [plain.prompts[0].perTokenLoss]
        for other in others { losses.insert(try await run(other, as: 1).prompts[0].perTokenLoss) }
        #expect(losses.count == others.count + 1)
    }

    /// Activations that another's run brought are at hand for whoever asked for them too.
    @Test func keptActivationsAreEverybodysWhoAskedForThem() async throws {
        let recipe = try fixture.recipe(.processed, ["seq7"])
        _ = try await run(recipe, as: 1, keep: .names(["z0"]))
        let computed = rows
        _ = try await run(recipe, as: 2, keep: .names(["z0"]))
        #expect(rows == computed)
        #expect(engine(of: 1).amounts(of: 1) == engine(of: 2).amounts(of: 2))
        _ = try await run(recipe, as: 2, keep: .names(["z1"]))
        #expect(rows > computed)
    }

    @Test func everyPartOfASweepIsPartOfTheQuestion() async throws {
        let recipe = try fixture.recipe(.processed, ["seq24", "seq7"])
        let specs = [
            SweepSpec(edits: [zero], axes: [.layer, .head]),
            SweepSpec(edits: [zero], axes: [.layer]),
            SweepSpec(edits: [zero], axes: [.layer, .head], isPaired: true),
            SweepSpec(edits: [zero], axes: [.layer, .head], metrics: [Metric(.logit, tokens: [8])]),
            SweepSpec(edits: [zero], axes: [.layer, .head], metrics: [Metric(.logit, tokens: [9])]),
            SweepSpec(
                edits: [zero], axes: [.layer, .head], metrics: [Metric(.logit, tokens: [9], positions: [1])]),
            SweepSpec(
                edits: [zero], axes: [.layer, .head],
                metrics: [Metric(.logitDifference, tokens: [9], wrongTokens: [3])]),
            SweepSpec(
                edits: [zero], axes: [.layer, .head],
                metrics: [Metric(.logitDifference, tokens: [9], wrongTokens: [4])]),
            SweepSpec(edits: [InterventionSpec(hook: "z", action: .mean)], axes: [.layer, .head]),
            SweepSpec(edits: [InterventionSpec(hook: "z", layers: .list([1]), action: .zero)], axes: [.layer, .head]),
            SweepSpec(
                edits: [InterventionSpec(hook: "z", action: .zero, selection: Selection(positions: .index(1)))],
                axes: [.layer, .head]),
            SweepSpec(
                edits: [zero], axes: [.layer, .head],
                path: SweepSpec.Path(receivers: [SweepSpec.Receiver(hook: "resid_post2")])),
            SweepSpec(
                edits: [zero], axes: [.layer, .head],
                path: SweepSpec.Path(receivers: [SweepSpec.Receiver(hook: "resid_post2")], holdsMLPs: true)),
            SweepSpec(
                edits: [zero], axes: [.layer, .head],
                path: SweepSpec.Path(receivers: [SweepSpec.Receiver(hook: "q2")])),
        ]
        var digests: Set<PassDigest> = []
        for spec in specs {
            let sweep = try fixture.engine.prepare(spec, of: recipe)
            digests.insert(PassDigest { $0.add(sweep) })
        }
        #expect(digests.count == specs.count)

        let first = try await sweep(specs[0], of: recipe, as: 1)
        let computed = rows
        let progress = ProgressLog()
        let second = try await sweep(specs[0], of: recipe, as: 2) { progress.append(($0, $1)) }
        #expect(rows == computed)
        #expect(first.metrics == second.metrics)
        #expect(progress.last.map { $0 == $1 } == true)
        #expect(try await sweep(specs[3], of: recipe, as: 2).metrics != first.metrics)
        #expect(rows > computed)
    }

    /// Two ask while it is computed, the first gives up: the second gets the result of the one computation.
    @Test func sharedWorkSurvivesItsFirstAsker() async throws {
        let recipe = try fixture.recipe(Array(repeating: .tokens([0] + (1..<32)), count: 16))
        let spec = SweepSpec(
            edits: [InterventionSpec(hook: "resid_pre", action: .zero)], axes: [.layer, .position, .component],
            metrics: [Metric(.logit, tokens: [1])])
        let first = CallControl()
        let begun = ProgressLog()
        let asking = Task {
            try await sweep(spec, of: recipe, as: 1, control: first) { begun.append(($0, $1)) }
        }
        while begun.count == 0 { await Task.yield() }
        let joined = ProgressLog()
        let second = CallControl()
        let joining = Task {
            try await sweep(spec, of: recipe, as: 2, control: second) { joined.append(($0, $1)) }
        }
        while fixture.engine.statistics.passes.joined == 0 { await Task.yield() }
        asking.cancel()
        await #expect(throws: LensError.cancelled) { try await asking.value }
        let before = joined.count
        while joined.count <= before { await Task.yield() }
        #expect(fixture.engine.amounts(of: 1).queuedJobs == 0)
        second.cancel()
        await #expect(throws: LensError.self) { try await joining.value }
    }

    @Test func questionsOfOneUserOnlyCanBeShared() async throws {
        let own = try EngineFixture("gpt-neo-1l-16h", scope: .perUser)
        let recipe = try own.recipe(.processed, ["seq24"])
        func run(as user: UInt32) async throws -> Int {
            _ = try await own.engine.with(own.engine.models, for: user).run(
                RunRequest(model: recipe.model, prompts: [], isRecorded: false), recipe: recipe,
                control: CallControl())
            return own.engine.statistics.passes.passes
        }
        #expect(try await run(as: 1) == 1)
        #expect(try await run(as: 1) == 1)
        #expect(try await run(as: 2) == 2)
    }
}
