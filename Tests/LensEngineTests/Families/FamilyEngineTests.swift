import LensCore
import LensEngine
import LensTestSupport
import Testing

/// Sweeps over heads and generated texts of every family.
@Suite struct FamilyEngineTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let checkpoint: String
        let form: ModelReference.Form
        var testDescription: String { "\(checkpoint) \(form.rawValue)" }
    }

    static let cases = Fixtures.families.flatMap { checkpoint in
        [ModelReference.Form.processed, .raw].map { Case(checkpoint: checkpoint, form: $0) }
    }

    @Test(arguments: cases)
    func headAblationsAgree(_ test: Case) async throws {
        let fixture = try EngineFixture(test.checkpoint)
        let recipe = try fixture.recipe(test.form, ["seq10"])
        var (worst, count) = (Float(0), 0)
        for action in AblationKind.allCases {
            let reply = try await fixture.engine.sweep(
                SweepRequest(model: recipe.model, prompts: [], action: action, hook: "z", isRecorded: false),
                recipe: recipe, control: CallControl()
            ) { _, _ in }
            let expected = try fixture.reference.floats("\(test.form.rawValue)/ablate/\(action.rawValue)/loss")
            let found = reply.heads.map { Float($0.loss) }
            #expect(excess(found, over: expected, absolute: 1e-5, relative: 1e-5) <= 0, "\(action.rawValue)")
            let baseline = try fixture.reference.floats("\(test.form.rawValue)/seq10/loss")[0]
            #expect(abs(Float(reply.baselineLoss) - baseline) <= 1e-5)
            worst = max(worst, largestDifference(found, from: expected))
            count += found.count
        }
        try FamilyResults.record(test.checkpoint, "ablation", worst: worst, count: count)
    }

    /// Token by token what transformers generates, with kept keys and values.
    @Test(arguments: Fixtures.families)
    func greedyTextIsTheReferences(checkpoint: String) async throws {
        let fixture = try EngineFixture(checkpoint)
        let expected = try fixture.tokens("generation")
        let prompt = try fixture.tokens("seq10")
        let reply = try await fixture.engine.generate(
            GenerationOptions(maxNewTokens: expected.count - prompt.count, temperature: 0, stopsAtEOS: false),
            recipe: fixture.recipe([.tokens(prompt)]), control: CallControl()
        ) { _ in }
        let found = reply.prompts[0].tokens.map(\.id)
        #expect(found == expected)
        try FamilyResults.record(
            checkpoint, "generation", worst: found == expected ? 0 : .nan, count: expected.count - prompt.count)
    }
}
