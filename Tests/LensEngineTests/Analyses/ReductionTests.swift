import Glibc
import LensCore
import LensEngine
import LensTestSupport
import Testing

@Suite struct ReductionTests {
    private func reduce(
        _ fixture: EngineFixture, _ recipe: Recipe, _ reductions: [Reduction]
    ) async throws -> [[ReducedActivation]] {
        try await fixture.engine.reduce(
            ReductionRequest(source: .run(""), reductions: reductions), recipe: recipe, control: CallControl()
        ).prompts.map(\.activations)
    }

    /// Each reduction against the same of the whole activation.
    @Test func reductionsAreOfTheActivation() async throws {
        let fixture = try EngineFixture("gpt-neo-3l-local")
        let recipe = try fixture.recipe(.raw, ["seq7"])
        let (pattern, _) = try await fixture.query(recipe, "pattern1")
        let (post, _) = try await fixture.query(recipe, "post1")
        func cell(_ head: Int, _ row: Int, _ column: Int) -> Float { pattern[(head * 7 + row) * 7 + column] }
        let found = try await reduce(
            fixture, recipe,
            [
                Reduction(.entropy, of: "pattern1"), Reduction(.mean, of: "pattern1"),
                Reduction(.diagonal, of: "pattern1", offset: -2), Reduction(.diagonalMean, of: "pattern1", offset: -1),
                Reduction(.norm, of: "post1"), Reduction(.max, of: "post1"), Reduction(.top, of: "post1", count: 5),
            ])
        let values = try #require(found.first)
        #expect(values.map(\.shape) == [[4, 7], [4, 7], [4, 5], [4], [7], [80], [5]])
        #expect(values.map(\.reduction) == Array(0..<7))
        let heads = Array(0..<4)
        func rows(_ body: (Int, Int) -> Float) -> [Float] {
            heads.flatMap { head -> [Float] in (0..<7).map { row -> Float in body(head, row) } }
        }
        let entropies = rows { head, row in
            var entropy: Float = 0
            for source in 0...row {
                let weight = cell(head, row, source)
                if weight > 0 { entropy -= weight * log(weight) }
            }
            return entropy
        }
        #expect(agree(values[0].values, entropies))
        let means = rows { head, source in
            let column: [Float] = (0..<7).map { row in cell(head, row, source) }
            return column.reduce(0, +) / 7
        }
        #expect(agree(values[1].values, means))
        let diagonals: [[Float]] = heads.map { head in (2..<7).map { row in cell(head, row, row - 2) } }
        #expect(values[2].values == diagonals.flatMap { $0 })
        let previous: [Float] = heads.map { head in
            let entries: [Float] = (1..<7).map { row in cell(head, row, row - 1) }
            return entries.reduce(0, +) / 6
        }
        #expect(agree(values[3].values, previous))
        let norms: [Float] = (0..<7).map { row in
            let squares: [Float] = post[row * 80..<(row + 1) * 80].map { $0 * $0 }
            return squares.reduce(0, +).squareRoot()
        }
        #expect(agree(values[4].values, norms))
        let maxima: [Float] = (0..<80).map { column in
            let entries: [Float] = (0..<7).map { row in post[row * 80 + column] }
            return entries.max() ?? .nan
        }
        #expect(values[5].values == maxima)
        let largest = post.indices.sorted { abs(post[$0]) > abs(post[$1]) }.prefix(5)
        #expect(values[6].indices == Array(largest))
        #expect(values[6].values == largest.map { post[$0] })
    }

    /// A name without a layer is every layer's; prompts come one by one.
    @Test func oneNameIsEveryLayer() async throws {
        let fixture = try EngineFixture("gpt-neo-3l-local")
        let recipe = try fixture.recipe(.raw, ["seq7", "seq2"])
        let found = try await reduce(
            fixture, recipe, [Reduction(.norm, of: "resid_post"), Reduction(.norm, of: "hook_embed")])
        #expect(
            found.map { $0.map(\.hook) }
                == Array(
                    repeating: [
                        "blocks.0.hook_resid_post", "blocks.1.hook_resid_post", "blocks.2.hook_resid_post",
                        "hook_embed",
                    ], count: 2))
        #expect(found.map { $0.map(\.shape) } == [Array(repeating: [7], count: 4), Array(repeating: [2], count: 4)])
    }

    @Test func whatDoesNotFitIsRefused() async throws {
        let fixture = try EngineFixture("gpt-neo-1l-16h")
        let recipe = try fixture.recipe(.raw, ["seq7"])
        for reduction in [
            Reduction(.diagonal, of: "resid_pre0"), Reduction(.diagonal, of: "pattern0", offset: 1),
            Reduction(.diagonalMean, of: "pattern0", offset: -7), Reduction(.top, of: "post0"),
            Reduction(.norm, of: "nothing"),
        ] {
            await #expect(throws: LensError.self) { _ = try await reduce(fixture, recipe, [reduction]) }
        }
    }
}
