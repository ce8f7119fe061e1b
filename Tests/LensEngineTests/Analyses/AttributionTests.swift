import LensCore
import LensEngine
import LensTestSupport
import Testing

@Suite struct AttributionTests {
    private func attribute(
        _ fixture: EngineFixture, _ recipe: Recipe, _ tokens: [Int32] = [], wrong: [Int32] = [],
        positions: [Int] = [-1], detail: AttributionDetail, top: Int = 0
    ) async throws -> AttributionReply {
        try await fixture.engine.attribute(
            AttributionRequest(
                source: .run(""), tokens: tokens, wrongTokens: wrong, positions: positions, detail: detail,
                topCount: top),
            recipe: recipe, control: CallControl())
    }

    /// Terms against TransformerLens's, of logits and differences, by layers and by heads.
    @Test func termsAgreeWithTransformerLens() async throws {
        let reference = try AnalysisReference()
        for checkpoint in reference.checkpoints {
            let fixture = try EngineFixture(checkpoint)
            for form in [ModelReference.Form.processed, .raw] {
                let recipe = try fixture.recipe(form, [AnalysisReference.sequence(checkpoint)])
                for detail in [AttributionDetail.layers, .heads] {
                    let name = "\(checkpoint)/\(form == .raw ? "raw" : "processed")/\(detail)"
                    let labels = try reference.labels(name)
                    let tokens = try reference.tensors.tokens("\(name)/tokens")
                    for what in ["logit", "difference"] {
                        let expected = try reference.tensors.floats("\(name)/\(what)")
                        let reply = try await attribute(
                            fixture, recipe, [tokens[0]], wrong: what == "logit" ? [] : [tokens[1]],
                            positions: [-1, 4], detail: detail)
                        let found = try #require(reply.prompts.first)
                        let own = reply.components.map(\.label)
                        #expect(Set(own) == Set(labels), "\(name)")
                        for row in 0..<2 {
                            let terms = labels.map { label in
                                own.firstIndex(of: label).map { found.terms[row * own.count + $0] } ?? .nan
                            }
                            let wanted = Array(expected[row * labels.count..<(row + 1) * labels.count])
                            #expect(agree(terms, wanted), "\(name) \(what)")
                            #expect(agree([terms.reduce(0, +)], [found.totals[row]]), "\(name) \(what)")
                        }
                    }
                }
            }
        }
    }

    /// Whatever is asked for, terms sum to the pass's logits, under edits too; without a token it is the likeliest.
    @Test func termsSumToTheLogits() async throws {
        for checkpoint in Fixtures.checkpoints.prefix(2) + Fixtures.families {
            let fixture = try EngineFixture(checkpoint)
            let c = try fixture.engine.configuration
            guard c.outputLogitsSoftCap == nil else { continue }
            let edit = InterventionSpec(hook: "resid_post0", action: .scale(1.2))
            for (form, edits) in [(ModelReference.Form.processed, []), (.raw, []), (.processed, [edit])] {
                let recipe = try fixture.recipe(form, [AnalysisReference.sequence(checkpoint)], edits)
                let (logits, _) = try await fixture.query(recipe, "logits")
                let row = Array(logits.suffix(c.dVocab))
                for detail in [AttributionDetail.layers, .heads] {
                    let reply = try await attribute(fixture, recipe, detail: detail)
                    let found = try #require(reply.prompts.first)
                    let answer = try #require(found.answers.first)
                    #expect(row[Int(answer.id)] == row.max(), "\(checkpoint)")
                    #expect(agree(found.totals, [row[Int(answer.id)]]), "\(checkpoint) \(form)")
                    #expect(agree([found.terms.reduce(0, +)], found.totals), "\(checkpoint) \(form) \(detail)")
                }
            }
        }
    }

    /// Each stream by itself: the final one and the bias are the logit.
    @Test func accumulatedStreamsEndAtTheLogit() async throws {
        let fixture = try EngineFixture("gpt-neo-3l-local")
        let recipe = try fixture.recipe(.raw, ["seq7"])
        let reply = try await attribute(fixture, recipe, [5], detail: .accumulated)
        #expect(reply.components.map(\.label) == ["0_pre", "1_pre", "2_pre", "final_post", "bias"])
        let found = try #require(reply.prompts.first)
        #expect(agree([found.terms[3] + found.terms[4]], found.totals))
    }

    /// All neurons and `b_out` are what the MLP writes.
    @Test func neuronsSumToTheirLayer() async throws {
        for checkpoint in ["gpt-neo-3l-local", "families/gemma2-2l", "families/toy-solu-2l"] {
            let fixture = try EngineFixture(checkpoint)
            let c = try fixture.engine.configuration
            // In the processed form of these b_out is the same at every position.
            let recipe = try fixture.recipe(.processed, [AnalysisReference.sequence(checkpoint)])
            let reply = try await attribute(
                fixture, recipe, [5], positions: [3, 4], detail: .neurons, top: c.dMLP * c.nLayers)
            let found = try #require(reply.prompts.first)
            let rows = 2
            #expect(found.neurons.count == rows * c.dMLP * c.nLayers)
            let named = found.neurons.count / rows
            for layer in 0..<c.nLayers {
                let column = try #require(reply.components.firstIndex(of: ResidualComponent(.mlp, layer: layer)))
                for row in 0..<rows {
                    let own = found.neurons[row * named..<(row + 1) * named].filter { $0.layer == layer }
                    let sum = own.reduce(Float(0)) { $0 + $1.value }
                    let bias = found.terms[row * reply.components.count + column] - sum
                    // What b_out gives is small and the same but for the norms' divisors; GPT-Neo's alone is not zero.
                    #expect(bias.isFinite && abs(bias) < 3, "\(checkpoint)")
                    if checkpoint == "families/gemma2-2l" { #expect(abs(bias) <= 1e-4) }
                }
            }
        }
    }

    @Test func whatIsOutOfRangeIsRefused() async throws {
        let fixture = try EngineFixture("gpt-neo-1l-16h")
        let recipe = try fixture.recipe(.raw, ["seq7"])
        for (tokens, wrong, positions, top) in [
            ([320], [], [0], 0), ([1, 2], [], [0], 0), ([1], [1, 2], [0], 0), ([], [1], [0], 0), ([1], [], [7], 0),
            ([1], [], [0], 1),
        ] as [([Int32], [Int32], [Int], Int)] {
            await #expect(throws: LensError.self) {
                _ = try await attribute(
                    fixture, recipe, tokens, wrong: wrong, positions: positions, detail: .layers, top: top)
            }
        }
    }
}
