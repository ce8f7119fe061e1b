import LensCore
import LensEngine
import LensTestSupport
import Testing

/// Activations at hand are those of the edits that they were made under.
@Suite struct EditedCacheTests {
    let fixture: EngineFixture

    init() throws { fixture = try EngineFixture("gpt-neo-3l-local") }

    private func spec(_ line: String) throws -> InterventionSpec {
        try EditWords(parsing: line).spec(reading: NoFiles())
    }

    private struct NoFiles: EditFiles {
        func operand(at path: String) throws(LensError) -> Operand { throw .notFound(path) }
        func prompts(at path: String) throws(LensError) -> [Prompt] { throw .notFound(path) }
    }

    @Test func equalPromptsOfARunMayBeEditedDifferently() async throws {
        let recipe = try fixture.recipe(.processed, ["seq7", "seq7"], [try spec("zero z0 prompt=1")])
        _ = try await fixture.run(recipe, keep: .all)
        let plain = try await fixture.query(recipe, "z0", prompts: [0])
        let edited = try await fixture.query(recipe, "z0", prompts: [1])
        #expect(plain.values.contains { $0 != 0 })
        #expect(edited.values.allSatisfy { $0 == 0 })
    }

    @Test func aSwapReadsTheOthersOfItsRun() async throws {
        let swap = try spec("swap z0 with=1 pos=:2")
        let first = try fixture.recipe(.processed, ["seq7", "seq2"], [swap])
        let second = try fixture.recipe(.processed, ["seq7", "seq24"], [swap])
        let with2 = try await fixture.query(first, "resid_post0", prompts: [0])
        let with24 = try await fixture.query(second, "resid_post0", prompts: [0])
        #expect(with2.values != with24.values)
        let plain = try fixture.recipe(.processed, ["seq2"])
        let theirs = try await fixture.query(plain, "z0", slice: "[:2]")
        let mine = try await fixture.query(first, "z0", slice: "[:2]", prompts: [0])
        #expect(excess(mine.values, over: theirs.values, absolute: 1e-5, relative: 1e-5) <= 0)
    }

    @Test func valuesArePartOfTheQuestion() async throws {
        var found: [[Float]] = []
        for value in ["0.5", "0.25"] {
            let recipe = try fixture.recipe(.processed, ["seq7"], [try spec("set z0 \(value)")])
            found.append(try await fixture.query(recipe, "z0").values)
        }
        #expect(found[0].allSatisfy { $0 == 0.5 })
        #expect(found[1].allSatisfy { $0 == 0.25 })
    }

    /// A chain of passes, each patched from the one before it, equals the same passes with the values given.
    @Test func patchesReachThroughPasses() async throws {
        let corrupt = try fixture.recipe(.processed, ["seq7"], [try spec("zero hook_pos_embed pos=2:")])
        let patch = InterventionSpec(
            hook: "z", layers: .list([0, 1]), action: .patch(.run("corrupt"), prompt: nil, positions: nil))
        let tokens = [Prompt.tokens(try fixture.tokens("seq7"))]
        let model = ModelReference(name: "tiny", form: .processed)
        let patched = try fixture.engine.prepare(
            model: model, prompts: tokens, interventions: [patch], runs: ["corrupt": corrupt])
        let mean = InterventionSpec(hook: "mlp_out2", action: .meanOf(.run("patched")))
        let last = try fixture.engine.prepare(
            model: model, prompts: tokens, interventions: [mean], runs: ["patched": patched])
        let found = try await fixture.run(last)
        // By hand.
        var edits: [InterventionSpec] = []
        for layer in 0...1 {
            let z = try await fixture.query(corrupt, "z\(layer)")
            edits.append(
                InterventionSpec(hook: "z\(layer)", action: .set(try Operand(shape: z.shapes[0], values: z.values))))
        }
        let middle = try fixture.recipe(.processed, ["seq7"], edits)
        let out = try await fixture.query(middle, "mlp_out2")
        let width = out.shapes[0][1]
        let means = (0..<width).map { column in
            stride(from: column, to: out.values.count, by: width).reduce(Float(0)) { $0 + out.values[$1] } / 7
        }
        let byHand = try fixture.recipe(
            .processed, ["seq7"],
            [InterventionSpec(hook: "mlp_out2", action: .set(try Operand(shape: [width], values: means)))])
        #expect(abs(found.loss - (try await fixture.run(byHand).loss)) <= 1e-5)
        #expect(abs(found.loss - (try await fixture.run(try fixture.recipe(.processed, ["seq7"])).loss)) > 1e-3)
    }

    /// A step over 24 tokens has hardly begun when it is cancelled.
    @Test func cancelledEditsEnd() async throws {
        let recipe = try fixture.recipe(.processed, ["seq24"], [try spec("mean pattern layer=:")])
        let control = CallControl()
        control.cancel()
        await #expect(throws: LensError.cancelled) {
            try await fixture.engine.query(
                recipe: recipe, hook: "z2", slice: nil, prompts: nil, control: control
            ) { _ in }
        }
    }
}
