import LensCore
import LensEngine
import LensTestSupport
import Testing

@Suite struct HeadSweepTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let checkpoint: String
        let form: ModelReference.Form
        let action: AblationKind
        var testDescription: String { "\(checkpoint) \(form.rawValue) \(action.rawValue)" }
    }

    static let cases = Fixtures.checkpoints.flatMap { checkpoint in
        [ModelReference.Form.processed, .raw].flatMap { form in
            AblationKind.allCases.map { Case(checkpoint: checkpoint, form: form, action: $0) }
        }
    }

    func sweep(_ fixture: EngineFixture, _ recipe: Recipe, _ action: AblationKind, hook: String = "z")
        async throws -> SweepReply
    {
        try await fixture.engine.sweep(
            SweepRequest(model: recipe.model, prompts: [], action: action, hook: hook, isRecorded: false),
            recipe: recipe, control: CallControl()
        ) { _, _ in }
    }

    @Test(arguments: cases)
    func everyHeadAgreesWithTransformerLens(_ test: Case) async throws {
        let fixture = try EngineFixture(test.checkpoint)
        let sequences = Set(
            fixture.reference.names.filter { $0.hasPrefix("ablate/") }.map { String($0.split(separator: "/")[1]) })
        #expect(!sequences.isEmpty)
        for sequence in sequences {
            let recipe = try fixture.recipe(test.form, [sequence])
            let reply = try await sweep(fixture, recipe, test.action)
            let stem = "ablate/\(sequence)/\(test.form.rawValue)/\(test.action.rawValue)"
            let losses = try fixture.reference.floats(stem + "/loss")
            #expect(reply.heads.count == losses.count)
            let found = reply.heads.map { Float($0.loss) }
            #expect(excess(found, over: losses, absolute: 1e-4, relative: 1e-5) <= 0)
            try FamilyResults.record(
                test.checkpoint, "ablation", worst: largestDifference(found, from: losses), count: losses.count)
            // Standard errors, from the reference's losses per token.
            let edited = try fixture.reference.floats(stem + "/token_loss")
            let plain = try fixture.reference.floats("\(test.form.rawValue)/\(sequence)/token_loss")
            for (index, head) in reply.heads.enumerated() {
                let differences = plain.indices.map { Double(edited[index * plain.count + $0]) - Double(plain[$0]) }
                let mean = differences.reduce(0, +) / Double(differences.count)
                let variance =
                    differences.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(differences.count - 1)
                let error = (variance / Double(differences.count)).squareRoot()
                #expect(abs(head.delta - mean) <= 1e-4)
                #expect(abs(head.standardError - error) <= 1e-4)
                #expect(abs(head.delta - (head.loss - reply.baselineLoss)) <= 1e-5)
            }
        }
    }

    /// The sweep shares work; a loop of single edited runs does not. Both must say the same, for every point with heads.
    @Test(arguments: ["z", "v", "q", "k", "pattern", "attn_scores", "result", "q_input"])
    func aSweepIsALoopOfRuns(hook: String) async throws {
        let fixture = try EngineFixture("gpt-neo-3l-local")
        let sequences = ["seq7", "seq24", "seq2"]
        let recipe = try fixture.recipe(.processed, sequences)
        let action: AblationKind = hook == "attn_scores" ? .zero : .mean
        let reply = try await sweep(fixture, recipe, action, hook: hook)
        for head in reply.heads {
            let edit = InterventionSpec(
                hook: "\(hook)\(head.layer)", action: action == .zero ? .zero : .mean,
                selection: Selection(heads: .index(head.head)))
            let run = try await fixture.run(fixture.recipe(.processed, sequences, [edit]))
            #expect(abs(run.loss - head.loss) <= 1e-5, "\(edit)")
            for (index, prompt) in run.prompts.enumerated() {
                #expect(abs(prompt.loss - reply.baselineLosses[index] - head.promptDeltas[index]) <= 1e-5, "\(edit)")
            }
        }
    }

    @Test func singleTokensHaveNoLoss() async throws {
        let fixture = try EngineFixture("gpt-neo-1l-16h")
        let reply = try await sweep(fixture, try fixture.recipe(.processed, ["seq1"]), .zero)
        #expect(reply.baselineLoss.isNaN)
        #expect(reply.heads.count == 16)
        #expect(reply.heads.allSatisfy { $0.delta.isNaN && $0.standardError.isNaN })
        let two = try await sweep(fixture, try fixture.recipe(.processed, ["seq2"]), .zero)
        #expect(two.heads.allSatisfy { !$0.delta.isNaN && $0.standardError.isNaN })
    }

    @Test func progressReachesTheTotal() async throws {
        let fixture = try EngineFixture("gpt-neo-3l-local")
        let recipe = try fixture.recipe(.processed, ["seq7", "seq2"])
        let seen = ProgressLog()
        _ = try await fixture.engine.sweep(
            SweepRequest(model: recipe.model, prompts: [], isRecorded: false), recipe: recipe, control: CallControl()
        ) { done, total in seen.append((done, total)) }
        #expect(seen.last?.0 == 24)
        #expect(seen.last?.1 == 24)
    }

    @Test func pointsWithoutHeadsAreRefused() async throws {
        let fixture = try EngineFixture("gpt-neo-1l-16h")
        let recipe = try fixture.recipe(.processed, ["seq7"])
        await #expect(throws: LensError.self) { try await sweep(fixture, recipe, .zero, hook: "resid_post") }
        await #expect(throws: LensError.self) { try await sweep(fixture, recipe, .zero, hook: "nonsense") }
        for hook in ["z0", "z-", "", "blocks.0.attn.hook_z", "k1"] {
            await #expect(throws: LensError.self) { try await sweep(fixture, recipe, .zero, hook: hook) }
        }
        await #expect(throws: LensError.self) { try await sweep(fixture, recipe, .mean, hook: "attn_scores") }
    }
}
