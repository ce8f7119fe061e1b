import LensCore
import LensEngine
import LensTestSupport
import Testing

@Suite struct QueryTests {
    let fixture: EngineFixture

    init() throws { fixture = try EngineFixture("gpt-neo-3l-local") }

    @Test func keptAndRecomputedActivationsAgree() async throws {
        let recipe = try fixture.recipe(.processed, ["seq7", "seq24"])
        _ = try await fixture.run(recipe, keep: .all)
        #expect(fixture.engine.statistics.cacheBytes > 0)
        let small = try EngineFixture("gpt-neo-3l-local", cacheBytes: 0)
        let again = try small.recipe(.processed, ["seq7", "seq24"])
        for name in ["pattern0", "z2", "resid_post1", "normalized", "scale0ln2", "unembed.hook_out", "result1"] {
            let kept = try await fixture.query(recipe, name)
            let computed = try await small.query(again, name)
            #expect(kept.shapes == computed.shapes)
            #expect(excess(kept.values, over: computed.values, absolute: 1e-5, relative: 1e-5) <= 0, "\(name)")
        }
        #expect(small.engine.statistics.cacheBytes == 0)
    }

    @Test func slicesAreThoseOfTheWhole() async throws {
        let recipe = try fixture.recipe(.raw, ["seq7"])
        let whole = try await fixture.query(recipe, "pattern1")
        #expect(whole.shapes == [[4, 7, 7]])
        let slice = try await fixture.query(recipe, "pattern1", slice: "[-1, 1:, ::-2]")
        #expect(slice.shapes == [[6, 4]])
        var expected: [Float] = []
        for row in 1..<7 {
            for column in stride(from: 6, through: 0, by: -2) {
                expected.append(whole.values[3 * 49 + row * 7 + column])
            }
        }
        #expect(slice.values == expected)
        let one = try await fixture.query(recipe, "pattern1", slice: "[0, 3, 2]")
        #expect(one.shapes == [[]])
        #expect(one.values == [whole.values[3 * 7 + 2]])
        let none = try await fixture.query(recipe, "pattern1", slice: "[0, 5:5]")
        #expect(none.shapes == [[0, 7]])
        #expect(none.values.isEmpty)
    }

    /// What a client does not read holds memory; past the budget others are told to come again.
    @Test func answersThatAreBeingReadAreBounded() async throws {
        let small = try EngineFixture("gpt-neo-3l-local", answerBytes: 1000)
        let recipe = try small.recipe(.raw, ["seq7"])
        let inner = await #expect(throws: LensError.self) {
            try await small.engine.query(
                recipe: recipe, hook: "pattern0", slice: nil, prompts: nil, control: CallControl()
            ) { _ in _ = try await small.query(recipe, "z0") }
        }
        #expect(inner?.code == .resourceExhausted)
        // Nothing is held any more.
        #expect(try await small.query(recipe, "z0").shapes == [[7, 4, 8]])
    }

    /// Values that wait for a slow socket keep their tensor, so they count until they are gone, after the call's end too.
    @Test func answersCountUntilTheirLastValuesAreGone() async throws {
        let small = try EngineFixture("gpt-neo-3l-local", answerBytes: 1000)
        let recipe = try small.recipe(.raw, ["seq7"])
        var waiting: [QueryEvent] = []
        try await small.engine.query(
            recipe: recipe, hook: "pattern0", slice: nil, prompts: nil, control: CallControl()
        ) { waiting.append($0) }
        let error = await #expect(throws: LensError.self) { try await small.query(recipe, "z0") }
        #expect(error?.code == .resourceExhausted)
        #expect(waiting.count == 2)
        waiting = []
        #expect(try await small.query(recipe, "z0").shapes == [[7, 4, 8]])
    }

    @Test func tokensAreIntegers() async throws {
        let recipe = try fixture.recipe(.raw, ["seq7"])
        let found = try await fixture.query(recipe, "hook_tokens")
        #expect(found.values.map { Int32(bitPattern: $0.bitPattern) } == recipe.tokens[0])
    }

    @Test func editsShowInTheCache() async throws {
        let edits = [InterventionSpec(hook: "pattern1", action: .zero, selection: Selection(heads: .index(2)))]
        let recipe = try fixture.recipe(.processed, ["seq7"], edits)
        let plain = try fixture.recipe(.processed, ["seq7"])
        for keep in [NamesFilter.none, .all] {
            let run = try await fixture.run(recipe, keep: keep)
            #expect(run.loss != (try await fixture.run(plain)).loss)
            #expect(try await fixture.query(recipe, "pattern1", slice: "[2]").values.allSatisfy { $0 == 0 })
            #expect(try await fixture.query(plain, "pattern1", slice: "[2]").values.contains { $0 != 0 })
            #expect(try await fixture.query(recipe, "z1", slice: "[:, 2]").values.allSatisfy { $0 == 0 })
        }
    }

    @Test func whatIsWrongIsSaid() async throws {
        let recipe = try fixture.recipe(.processed, ["seq7"])
        for (hook, slice, prompts) in [
            ("blocks.0.attn.hook_zz", nil, nil), ("pattern3", nil, nil), ("pattern0", "[4]", nil),
            ("pattern0", "[0, 0, 0, 0]", nil), ("pattern0", nil, [1]), ("pattern0", nil, [-1]),
            ("pattern0", nil, [0, 0]),
        ] as [(String, String?, [Int]?)] {
            await #expect(throws: LensError.self, "\(hook) \(slice ?? "")") {
                try await fixture.query(recipe, hook, slice: slice, prompts: prompts)
            }
        }
        var stale = recipe
        stale.fingerprint = "0000"
        let changed = stale
        let error = await #expect(throws: LensError.self) { try await fixture.query(changed, "z0") }
        #expect(error?.code == .failedPrecondition)
    }
}
