import LensCore
import LensEngine
import LensTestSupport
import Testing

/// Runs that go through the model in one batch get what each gets alone.
@Suite struct RidingRunTests {
    let fixture: EngineFixture
    private let length = 20

    init() throws { fixture = try EngineFixture("gpt-neo-3l-local") }

    private func prompt(_ number: Int, salt: Int) -> Prompt {
        .tokens([0] + (0..<length + number % 7).map { Int32(1 + (number * 31 + $0 * 7 + salt * 13) % 270) })
    }

    /// Runs of many users at once, behind a sweep in whose turn they all come together.
    private func together(_ recipes: [Recipe], request: RunRequest) async throws -> [RunReply] {
        let endless = SweepSpec(
            edits: [InterventionSpec(hook: "resid_pre", action: .zero)], axes: [.layer, .position, .component],
            metrics: [.loss, Metric(.divergence)])
        let crowd = try fixture.recipe(Array(repeating: .tokens([0] + (1..<32)), count: 64))
        let control = CallControl()
        let begun = ProgressLog()
        let sweep = Task {
            try await fixture.engine.sweep(
                SweepRequest(model: crowd.model, prompts: [], sweep: endless), recipe: crowd, control: control
            ) { begun.append(($0, $1)) }
        }
        while begun.count == 0 { await Task.yield() }
        defer {
            control.cancel()
            sweep.cancel()
        }
        return try await withThrowingTaskGroup(of: (Int, RunReply).self) { group in
            for (index, recipe) in recipes.enumerated() {
                group.addTask {
                    let engine = fixture.engine.with(fixture.engine.models, for: UInt32(index % 8))
                    return (index, try await engine.run(request, recipe: recipe, control: CallControl()))
                }
            }
            var replies: [Int: RunReply] = [:]
            for try await (index, reply) in group { replies[index] = reply }
            return recipes.indices.compactMap { replies[$0] }
        }
    }

    private func alone(_ recipes: [Recipe], request: RunRequest) async throws -> [RunReply] {
        let other = try EngineFixture("gpt-neo-3l-local", cacheBytes: 0)
        var replies: [RunReply] = []
        for recipe in recipes {
            replies.append(try await other.engine.run(request, recipe: recipe, control: CallControl()))
        }
        return replies
    }

    private func check(_ recipes: [Recipe], top: Int = 3, keep: NamesFilter = .none) async throws {
        let request = RunRequest(
            model: ModelReference(name: "tiny", form: .processed), prompts: [], topCount: top,
            wantsPerTokenLoss: true, keep: keep, isRecorded: false)
        let expected = try await alone(recipes, request: request)
        let found = try await together(recipes, request: request)
        #expect(found.count == expected.count)
        for (index, (found, expected)) in zip(found, expected).enumerated() {
            for (found, expected) in zip(found.prompts, expected.prompts) {
                #expect(found.tokens == expected.tokens)
                let losses = zip(found.perTokenLoss, expected.perTokenLoss)
                #expect(losses.allSatisfy { abs($0 - $1) <= 1e-5 + 1e-5 * abs($1) }, "run \(index)")
                let top = zip(found.top, expected.top)
                #expect(top.allSatisfy { abs($0.logprob - $1.logprob) <= 2e-5 }, "run \(index)")
                #expect(found.top.count == expected.top.count)
            }
        }
    }

    @Test func plainRuns() async throws {
        try await check(try (0..<48).map { try fixture.recipe([prompt($0, salt: 0), prompt($0, salt: 1)]) })
        #expect(fixture.engine.statistics.passes.batched > 10)
    }

    /// Each with edits of its own at points that all have.
    @Test func runsWithTheirOwnEdits() async throws {
        let recipes = try (0..<48).map { number in
            let edits = [
                InterventionSpec(
                    hook: "z1", action: number % 3 == 0 ? .mean : .set(try Operand(Float(number))),
                    selection: Selection(heads: .index(number % 2))),
                InterventionSpec(
                    hook: "resid_mid0", action: .scale(1 + Float(number) / 10),
                    selection: Selection(prompts: number % 2 == 0 ? .list([1]) : nil, positions: .index(number % 9))),
            ]
            return try fixture.recipe([prompt(number, salt: 0), prompt(number, salt: 2)], edits)
        }
        try await check(recipes)
        #expect(fixture.engine.statistics.passes.batched > 10)
    }

    @Test func whatIsKeptIsEachRunsOwn() async throws {
        let recipes = try (0..<24).map { try fixture.recipe([prompt($0, salt: 3)]) }
        try await check(recipes, top: 0, keep: .names(["z1", "pattern2"]))
        let other = try EngineFixture("gpt-neo-3l-local")
        for recipe in recipes {
            for hook in ["z1", "pattern2"] {
                let found = try await fixture.query(recipe, hook)
                let expected = try await other.query(recipe, hook)
                #expect(found.shapes == expected.shapes)
                #expect(excess(found.values, over: expected.values, absolute: 1e-5, relative: 1e-5) <= 0)
            }
        }
    }

    /// What differs in kind does not ride together, and comes to its end all the same.
    @Test func allSortsOfRunsAtOnce() async throws {
        let swap = InterventionSpec(hook: "z0", action: .swap(prompt: 1))
        let recipes = try (0..<40).map { number in
            switch number % 4 {
            case 0: try fixture.recipe([prompt(number, salt: 4)])
            case 1: try fixture.recipe([prompt(number, salt: 4), prompt(number, salt: 5)], [swap])
            case 2: try fixture.recipe([prompt(number, salt: 4)], [InterventionSpec(hook: "z1", action: .zero)])
            default:
                try fixture.recipe(
                    (0..<60).map { prompt($0, salt: 6 + number) },
                    [InterventionSpec(hook: "post0", action: .zero, selection: Selection(components: .index(3)))])
            }
        }
        try await check(recipes)
    }
}
