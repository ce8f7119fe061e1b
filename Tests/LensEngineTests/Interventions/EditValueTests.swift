import LensCore
import LensEngine
import LensTestSupport
import Testing

/// Every action at every hook point, raw and processed, against TransformerLens's hooks.
@Suite struct EditValueTests {
    @Test(arguments: [("gpt-neo-3l-local", 280), ("gpt-neo-1l-16h", 320), ("gpt-neo-1l-untied", 272)])
    func editsGiveTransformerLenssResults(checkpoint: String, vocabulary: Int) async throws {
        let fixture = try EngineFixture(checkpoint)
        let reference = try EditCases(checkpoint, vocabulary: vocabulary)
        #expect(reference.cases.count > 1000)
        var actions: Set<String> = []
        var points: Set<String> = []
        var runs: [ModelReference.Form: [String: Recipe]] = [:]
        for form in [ModelReference.Form.processed, .raw] {
            for (name, run) in reference.runs {
                runs[form, default: [:]][name] = try fixture.recipe(form, run.prompts, run.edits, in: reference)
            }
        }
        for one in reference.cases {
            let recipe = try fixture.recipe(
                one.form, one.prompts, one.edits, in: reference, runs: runs[one.form] ?? [:])
            let name = "\(one.form) \(one.prompts) \(one.edits)"
            let reply = try await fixture.run(recipe, keep: .names(["unembed.hook_out"]))
            // Some edits drive the loss to 30 and more, where float32 has no five digits behind the point.
            #expect(abs(reply.loss - one.loss) <= 1e-5 * max(1, abs(one.loss)), "\(name)")
            for (index, result) in reply.prompts.enumerated() {
                #expect(excess(result.perTokenLoss, over: one.tokenLosses[index]) <= 0, "\(name)")
                let logits = try await fixture.query(
                    recipe, "unembed.hook_out", slice: "[-1, ::\(reference.logitStride)]", prompts: [index])
                #expect(excess(logits.values, over: one.logits[index]) <= 0, "\(name)")
            }
            actions.formUnion(recipe.interventions.map(\.action.name))
            points.formUnion(recipe.interventions.map(\.point.kind.suffix))
        }
        #expect(actions == Set(EditSyntax.actions))
        let shape = ModelConfiguration(
            originalArchitecture: "", nLayers: 1, nHeads: 1, dModel: 1, dHead: 1, dMLP: 1, nCtx: 1, dVocab: 1)
        #expect(points == Set(shape.hookPoints.map(\.kind.suffix)))
    }
}

extension EngineFixture {
    /// A recipe over prompts of the edit cases, with edits as they are written.
    func recipe(
        _ form: ModelReference.Form, _ prompts: [String], _ edits: [String], in cases: EditCases,
        runs: [String: Recipe] = [:]
    ) throws -> Recipe {
        try engine.prepare(
            model: ModelReference(name: "tiny", form: form),
            prompts: prompts.map { .tokens(try #require(cases.prompts[$0])) },
            interventions: edits.map { try EditWords(parsing: $0).spec(reading: cases) }, runs: runs)
    }
}
