import LensCore
import LensEngine
import LensTestSupport
import Testing

@Suite struct LogitLensTests {
    private func lens(
        _ fixture: EngineFixture, _ recipe: Recipe, positions: [Int] = [], layers: [Int] = [], withMid: Bool = false,
        top: Int = 5, tokens: [Int32] = []
    ) async throws -> LogitLensReply {
        try await fixture.engine.logitLens(
            LogitLensRequest(
                source: .run(""), positions: positions, layers: layers, withMid: withMid, topCount: top,
                tokens: tokens),
            recipe: recipe, control: CallControl())
    }

    @Test func predictionsAgreeWithTransformerLens() async throws {
        let reference = try AnalysisReference()
        for checkpoint in reference.checkpoints {
            let fixture = try EngineFixture(checkpoint)
            for form in [ModelReference.Form.processed, .raw] {
                let recipe = try fixture.recipe(form, [AnalysisReference.sequence(checkpoint)])
                let name = "\(checkpoint)/\(form == .raw ? "raw" : "processed")/lens"
                let reply = try await lens(fixture, recipe)
                let found = try #require(reply.prompts.first)
                let positions = found.positions.count
                func expect(_ values: [Float], _ key: String) throws {
                    #expect(agree(values, try reference.tensors.floats("\(name)/\(key)")), "\(name) \(key)")
                }
                try expect(found.logSums, "log_sums")
                try expect(found.entropies, "entropies")
                try expect(found.divergences, "divergences")
                try expect(found.topLogprobs, "top_logprobs")
                let before = found.nextLogprobs.indices.filter { $0 % positions < positions - 1 }
                try expect(before.map { found.nextLogprobs[$0] }, "next_logprobs")
                #expect(
                    before.map { Int32(found.nextRanks[$0]) } == (try reference.tensors.tokens("\(name)/next_ranks")))
                #expect(found.topTokens == (try reference.tensors.tokens("\(name)/top_tokens")), "\(name)")
                let behind = found.nextRanks.indices.filter { $0 % positions == positions - 1 }
                #expect(behind.allSatisfy { found.nextRanks[$0] == -1 && found.nextLogprobs[$0].isNaN })
                #expect(Set(reply.vocabulary.map(\.id)) == Set(found.topTokens))
            }
        }
    }

    /// Positions, layers and tokens choose; several prompts give each what it gets alone.
    @Test func whatIsChosenIsWhatIsSaid() async throws {
        let fixture = try EngineFixture("gpt-neo-3l-local")
        let recipe = try fixture.recipe(.processed, ["seq24", "seq7"])
        let all = try await lens(fixture, recipe, withMid: true, tokens: [5, 9])
        #expect(
            all.points == [
                "blocks.0.hook_resid_pre", "blocks.0.hook_resid_mid", "blocks.1.hook_resid_pre",
                "blocks.1.hook_resid_mid",
                "blocks.2.hook_resid_pre", "blocks.2.hook_resid_mid", "blocks.2.hook_resid_post",
            ])
        let some = try await lens(fixture, recipe, positions: [-1, 2], layers: [-1], top: 2, tokens: [9])
        #expect(some.points == ["blocks.2.hook_resid_pre", "blocks.2.hook_resid_post"])
        for (few, many) in zip(some.prompts, all.prompts) {
            let length = many.positions.count
            #expect(few.positions == [length - 1, 2])
            for (point, whole) in [(0, 4), (1, 6)] {
                for (row, position) in few.positions.enumerated() {
                    let (here, there) = (point * 2 + row, whole * length + position)
                    #expect(agree([few.entropies[here]], [many.entropies[there]]))
                    #expect(few.topTokens[here * 2..<here * 2 + 2] == many.topTokens[there * 5..<there * 5 + 2])
                    #expect(agree([few.tokenLogprobs[here]], [many.tokenLogprobs[there * 2 + 1]]))
                    #expect(few.tokenRanks[here] == many.tokenRanks[there * 2 + 1])
                }
            }
        }
        let alone = try await lens(
            fixture, try fixture.recipe(.processed, ["seq7"]), withMid: true, tokens: [5, 9])
        #expect(alone.prompts.first?.topTokens == all.prompts.last?.topTokens)
    }

    /// An edit is in the stream behind it and in none before it.
    @Test func editsAreSeen() async throws {
        let fixture = try EngineFixture("gpt-neo-3l-local")
        let plain = try await lens(fixture, try fixture.recipe(.raw, ["seq7"]))
        let zero = InterventionSpec(hook: "mlp_out1", action: .zero)
        let edited = try await lens(fixture, try fixture.recipe(.raw, ["seq7"], [zero]))
        let (before, after) = (try #require(plain.prompts.first), try #require(edited.prompts.first))
        #expect(agree(Array(before.entropies[..<14]), Array(after.entropies[..<14])))
        #expect(!agree(Array(before.entropies[14..<21]), Array(after.entropies[14..<21])))
    }

    @Test func whatIsOutOfRangeIsRefused() async throws {
        let fixture = try EngineFixture("gpt-neo-1l-16h")
        let recipe = try fixture.recipe(.raw, ["seq7"])
        for (positions, layers, top, tokens) in [
            ([7], [], 1, []), ([], [1], 1, []), ([], [], 321, []), ([], [], -1, []), ([], [], 1, [320]),
        ] as [([Int], [Int], Int, [Int32])] {
            await #expect(throws: LensError.self) {
                _ = try await lens(fixture, recipe, positions: positions, layers: layers, top: top, tokens: tokens)
            }
        }
    }
}
