import LensCore
import LensEngine
import LensTestSupport
import Testing

/// What a sweep refuses, and how it lives beside others.
@Suite struct SweepLimitTests {
    private let zero = InterventionSpec(hook: "z", action: .zero)

    private func refusal(
        _ spec: SweepSpec, of prompts: [Prompt] = [.tokens([0, 1, 2]), .tokens([0, 3, 4, 5])],
        under: [InterventionSpec] = []
    ) async throws -> String {
        let fixture = try EngineFixture("gpt-neo-3l-local")
        do {
            _ = try await fixture.sweep(spec, of: try fixture.recipe(prompts, under))
            return "nothing was refused"
        } catch let error as LensError {
            return error.message
        }
    }

    @Test func whatCannotBeIsSaid() async throws {
        func edit(_ hook: String, _ action: InterventionSpec.Action = .zero, _ selection: Selection = .all)
            -> InterventionSpec
        { InterventionSpec(hook: hook, action: action, selection: selection) }
        let cases: [(SweepSpec, String)] = [
            (SweepSpec(edits: [], axes: []), "at least one edit"),
            (SweepSpec(edits: [edit("y")], axes: [.layer]), "no hook point 'y0'"),
            (SweepSpec(edits: [edit("z1")], axes: [.layer]), "layers are given twice"),
            (SweepSpec(edits: [edit("embed")], axes: [.layer]), "'embed' is one point already"),
            (SweepSpec(edits: [zero], axes: [.layer, .layer]), "each axis once"),
            (SweepSpec(edits: [zero], axes: [.layer, .source]), "no source positions"),
            (
                SweepSpec(edits: [zero], axes: [.layer, .position]),
                "axis 'pos' has 3 entries at first and 4 in prompt 1"
            ),
            (
                SweepSpec(edits: [edit("z", .zero, Selection(heads: .index(4)))], axes: [.layer, .head]),
                "head must be in"
            ),
            (SweepSpec(edits: [edit("z", .swap(prompt: 1))], axes: [.layer]), "nothing can be swapped"),
            (SweepSpec(edits: [edit("z", .zero, Selection(prompts: .index(0)))], axes: [.layer]), "leave 'prompt' out"),
            (SweepSpec(edits: [edit("attn_scores", .mean)], axes: [.layer]), "has no mean"),
            (
                SweepSpec(
                    edits: [edit("z", .patch(.prompts([.tokens([0, 1])]), prompt: nil, positions: nil))],
                    axes: [.layer]), "the other pass has 2 tokens and this one 3"
            ),
            (SweepSpec(edits: [zero], axes: [.layer], metrics: []), "at least one metric"),
            (SweepSpec(edits: [zero], axes: [.layer], metrics: [Metric(.logit)]), "takes one token or one per prompt"),
            (SweepSpec(edits: [zero], axes: [.layer], metrics: [Metric(.logit, tokens: [280])]), "280"),
            (
                SweepSpec(edits: [zero], axes: [.layer], metrics: [Metric(.logit, tokens: [1], positions: [3])]),
                "prompt 0"
            ),
            (SweepSpec(edits: [zero], axes: [.layer], metrics: [Metric(.loss, positions: [1])]), "takes none"),
            (SweepSpec(edits: [zero], axes: [.layer], metrics: [Metric(.divergence, tokens: [1])]), "takes no token"),
            (
                SweepSpec(
                    edits: [zero], axes: [.layer],
                    path: SweepSpec.Path(receivers: [SweepSpec.Receiver(hook: "q9")])), "no hook point 'q9'"
            ),
        ]
        for (spec, expected) in cases {
            let message = try await refusal(spec)
            #expect(message.contains(expected), "\(message) for \(expected)")
        }
    }

    @Test func aSweepThatCostsTooMuchIsToldSo() async throws {
        let prompt = Prompt.tokens([0] + (1..<32))
        let pairs = SweepSpec(
            edits: [InterventionSpec(hook: "pattern", action: .set(try Operand(1)))],
            axes: [.layer, .head, .position, .source], isPaired: true)
        #expect(try await refusal(pairs, of: [prompt]).contains("at most 1048576 variants; this one has 150994944"))
        let many = SweepSpec(edits: [zero], axes: [.layer], metrics: [Metric(.tokenLoss)])
        let corpus = Array(repeating: prompt, count: 8192)
        #expect(try await refusal(many, of: corpus).contains("3 variants x 253952"))
    }

    @Test func promptsAreWhatTheyAreAlone() async throws {
        let fixture = try EngineFixture("gpt-neo-3l-local")
        let prompts: [Prompt] = [
            .tokens([0, 4, 90, 4, 200, 31, 5]), .tokens([0, 61]), .tokens([0, 3, 180, 12, 77, 1, 9, 44, 2, 7]),
        ]
        let spec = SweepSpec(
            edits: [zero], axes: [.layer, .head],
            metrics: [.loss, Metric(.logit, tokens: [8]), Metric(.divergence), Metric(.tokenLoss)])
        let together = try await fixture.sweep(spec, of: try fixture.recipe(prompts))
        var firstPrediction = 0
        for (index, prompt) in prompts.enumerated() {
            let alone = try await fixture.sweep(spec, of: try fixture.recipe([prompt]))
            for (metric, own) in zip(together.metrics, alone.metrics) {
                let isPerToken = metric.metric.kind == .tokenLoss
                let first = isPerToken ? firstPrediction : index
                for variant in own.values.indices {
                    for column in 0..<own.baselines.count {
                        let found = metric.columns[variant * metric.baselines.count + first + column]
                        #expect(abs(found - own.columns[variant * own.baselines.count + column]) <= 1e-5)
                    }
                }
            }
            if case .tokens(let ids) = prompt { firstPrediction += ids.count - 1 }
        }
    }

    /// Long enough to be in the middle of it, whatever the machine.
    private let endless = SweepSpec(
        edits: [InterventionSpec(hook: "resid_pre", action: .zero)], axes: [.layer, .position, .component],
        metrics: [.loss, Metric(.divergence)])

    @Test func aCancelledSweepEndsAtOnce() async throws {
        let fixture = try EngineFixture("gpt-neo-3l-local")
        let recipe = try fixture.recipe(Array(repeating: .tokens([0] + (1..<32)), count: 64))
        let control = CallControl()
        let clock = ContinuousClock()
        let task = Task { [endless] in
            try await fixture.engine.sweep(
                SweepRequest(model: recipe.model, prompts: [], sweep: endless), recipe: recipe, control: control
            ) { _, _ in }
        }
        try await Task.sleep(for: .milliseconds(200))
        let start = clock.now
        control.cancel()
        await #expect(throws: LensError.self) { try await task.value }
        #expect(clock.now - start < .milliseconds(500))
        // The engine is free again.
        _ = try await fixture.run(try fixture.recipe(.processed, ["seq7"]))
    }

    @Test func othersGetTheirTurn() async throws {
        let fixture = try EngineFixture("gpt-neo-3l-local")
        let recipe = try fixture.recipe(Array(repeating: .tokens([0] + (1..<32)), count: 64))
        let control = CallControl()
        let task = Task { [endless] in
            try await fixture.engine.sweep(
                SweepRequest(model: recipe.model, prompts: [], sweep: endless), recipe: recipe, control: control
            ) { _, _ in }
        }
        try await Task.sleep(for: .milliseconds(100))
        for _ in 0..<3 { _ = try await fixture.run(try fixture.recipe(.processed, ["seq7"])) }
        #expect(!control.isCancelled)
        control.cancel()
        let outcome = await task.result
        #expect(throws: LensError.self) { try outcome.get() }
    }
}
