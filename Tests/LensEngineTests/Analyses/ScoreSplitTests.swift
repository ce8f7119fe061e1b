import Glibc
import LensCore
import LensEngine
import LensModel
import LensTestSupport
import Testing

@Suite struct ScoreSplitTests {
    private func split(
        _ fixture: EngineFixture, _ recipe: Recipe, layer: Int, head: Int, destinations: [Int] = [],
        sources: [Int] = [], detail: ScoreSplitDetail = .groups, isRelative: Bool = false, top: Int = 0
    ) async throws -> ScoreSplitReply {
        try await fixture.engine.splitScore(
            ScoreSplitRequest(
                source: .run(""), layer: layer, head: head, destinations: destinations, sources: sources,
                detail: detail, isRelative: isRelative, topCount: top),
            recipe: recipe, control: CallControl())
    }

    /// Every term against TransformerLens's weights and activations, first and last layer, both forms.
    @Test func termsAgreeWithTransformerLens() async throws {
        let reference = try AnalysisReference()
        for checkpoint in reference.checkpoints {
            let fixture = try EngineFixture(checkpoint)
            for form in [ModelReference.Form.processed, .raw] {
                let recipe = try fixture.recipe(form, [AnalysisReference.sequence(checkpoint)])
                let c = try fixture.engine.configuration
                for layer in Set([0, c.nLayers - 1]) {
                    let name = "\(checkpoint)/\(form == .raw ? "raw" : "processed")/split\(layer)"
                    let labels = try reference.labels(name)
                    let expected = try reference.tensors.floats(name)
                    let reply = try await split(
                        fixture, recipe, layer: layer, head: c.nHeads - 1, destinations: [-2, -1], detail: .components)
                    #expect(Set(reply.components.map(\.label)) == Set(labels), "\(name)")
                    let cells = reply.destinations.count * reply.sources.count
                    for (query, queryLabel) in labels.enumerated() {
                        for (key, keyLabel) in labels.enumerated() {
                            let place = try #require(reply.place(queryLabel, keyLabel))
                            let found = Array(reply.terms[place * cells..<(place + 1) * cells])
                            let all = (query * labels.count + key) * cells
                            let own = zip(expected[all..<all + cells], reply.scores).map { $1.isFinite ? $0 : 0 }
                            #expect(agree(found, own), "\(name) \(queryLabel) × \(keyLabel)")
                        }
                    }
                }
            }
        }
    }

    /// Whatever the detail, terms sum to the scores of the pass, in every family, with edits before the layer too.
    @Test func termsSumToTheScores() async throws {
        for checkpoint in Fixtures.checkpoints.prefix(2) + Fixtures.families {
            let fixture = try EngineFixture(checkpoint)
            let c = try fixture.engine.configuration
            let sequence = AnalysisReference.sequence(checkpoint)
            let edits = [
                InterventionSpec(hook: "z0", action: .zero, selection: Selection(heads: .index(0))),
                InterventionSpec(hook: "resid_pre\(c.nLayers - 1)", action: .scale(1.1)),
            ]
            for (form, edits) in [(ModelReference.Form.processed, []), (.raw, []), (.raw, edits)] {
                let recipe = try fixture.recipe(form, [sequence], edits)
                let layer = c.nLayers - 1
                let (scores, _) = try await fixture.query(recipe, "attn_scores\(layer)")
                for detail in ScoreSplitDetail.allCases where c.clipQKV == nil {
                    let reply = try await split(fixture, recipe, layer: layer, head: 0, detail: detail)
                    let square = reply.destinations.count * reply.sources.count
                    #expect(agree(reply.scores, Array(scores[..<square])), "\(checkpoint)")
                    #expect(agree(reply.sums, reply.scores), "\(checkpoint) \(form) \(detail) \(edits.count)")
                    #expect(reply.components.contains { $0.kind == .rest } == !edits.isEmpty)
                }
            }
        }
    }

    /// Relative terms are terms minus their mean over what the destination sees, here a window.
    @Test func relativeTermsHaveNoMean() async throws {
        let fixture = try EngineFixture("gpt-neo-3l-local")
        let recipe = try fixture.recipe(.raw, ["seq24"])
        let plain = try await split(fixture, recipe, layer: 1, head: 2, destinations: [9])
        let relative = try await split(fixture, recipe, layer: 1, head: 2, destinations: [9], isRelative: true)
        let visible = 5..<10
        for pair in 0..<plain.components.count * plain.components.count {
            let row = Array(plain.terms[pair * 24..<(pair + 1) * 24])
            let mean = visible.reduce(Float(0)) { $0 + row[$1] } / Float(visible.count)
            let expected = row.enumerated().map { visible.contains($0) ? $1 - mean : 0 }
            #expect(agree(Array(relative.terms[pair * 24..<(pair + 1) * 24]), expected))
        }
        #expect(agree(relative.sums, relative.scores))
        #expect(plain.scores.indices.filter { plain.scores[$0].isFinite } == Array(visible))
    }

    /// In every family what is relative still sums to the score less its row's mean, the bias of positions too.
    @Test func relativeTermsSumToRelativeScores() async throws {
        for checkpoint in Fixtures.families {
            let fixture = try EngineFixture(checkpoint)
            let c = try fixture.engine.configuration
            // A score behind a cap is no sum of its terms.
            guard c.attnScoresSoftCap == nil, c.clipQKV == nil else { continue }
            let recipe = try fixture.recipe(.processed, [AnalysisReference.sequence(checkpoint)])
            let plain = try await split(fixture, recipe, layer: c.nLayers - 1, head: c.nHeads - 1)
            let relative = try await split(
                fixture, recipe, layer: c.nLayers - 1, head: c.nHeads - 1, isRelative: true)
            let width = plain.sources.count
            for row in plain.destinations.indices {
                let scores = plain.scores[row * width..<(row + 1) * width]
                let seen = scores.filter(\.isFinite)
                let mean = seen.reduce(0, +) / Float(seen.count)
                #expect(agree(Array(relative.scores[row * width..<(row + 1) * width]), scores.map { $0 - mean }))
            }
            #expect(agree(relative.sums, relative.scores), "\(checkpoint)")
        }
    }

    /// The largest pairs are those of the finest detail; the terms beside them stay as coarse as was asked.
    @Test func largestPairsAreNamed() async throws {
        let fixture = try EngineFixture("gpt-neo-3l-local")
        let recipe = try fixture.recipe(.processed, ["seq7"])
        let all = try await split(
            fixture, recipe, layer: 2, head: 1, destinations: [6], sources: [3], detail: .components)
        let reply = try await split(
            fixture, recipe, layer: 2, head: 1, destinations: [6], sources: [3], detail: .layers, top: 4)
        let largest = all.terms.sorted { abs($0) > abs($1) }
        #expect(agree(reply.top.map(\.value), Array(largest.prefix(4))))
        #expect(
            reply.components.map(\.label) == [
                "embed", "pos_embed", "0_attn_out", "0_mlp_out", "1_attn_out", "1_mlp_out", "bias",
            ])
        #expect(agree(reply.sums, all.scores))
    }

    /// A whole head fits into a reply, as finely as a small model is split.
    @Test func wholeHeadsAreSplit() async throws {
        let fixture = try EngineFixture("gpt-neo-3l-local")
        let recipe = try fixture.recipe(.raw, ["seq24"])
        // 14 components, 24 x 24 cells.
        let whole = try await split(fixture, recipe, layer: 2, head: 0, detail: .components)
        #expect(whole.terms.count == whole.components.count * whole.components.count * 24 * 24)
        let long = try fixture.engine.prepare(
            model: ModelReference(name: "tiny"), prompts: [.tokens(Array(repeating: 5, count: 32))],
            interventions: [InterventionSpec(hook: "resid_pre1", action: .scale(1))])
        #expect(try await split(fixture, long, layer: 2, head: 0, detail: .layers).components.count == 8)
    }

    @Test func whatIsOutOfRangeIsRefused() async throws {
        let fixture = try EngineFixture("gpt-neo-1l-16h")
        let recipe = try fixture.recipe(.raw, ["seq7"])
        for (layer, head, destinations, top) in [(1, 0, [0], 0), (0, 16, [0], 0), (0, 0, [7], 0), (0, 0, [0, 1], 3)] {
            await #expect(throws: LensError.self) {
                _ = try await split(
                    fixture, recipe, layer: layer, head: head, destinations: destinations, sources: [0], top: top)
            }
        }
    }
}

extension Engine {
    /// Of the one model.
    var configuration: ModelConfiguration {
        get throws { try models.model(for: ModelReference(name: nil)).model.configuration }
    }
}

extension ScoreSplitReply {
    /// Which plane of the terms two components have.
    fileprivate func place(_ query: String, _ key: String) -> Int? {
        let labels = components.map(\.label)
        guard let query = labels.firstIndex(of: query), let key = labels.firstIndex(of: key) else { return nil }
        return query * labels.count + key
    }

    /// What the terms make of each score; −∞ where the destination does not see the source.
    fileprivate var sums: [Float] {
        let cells = scores.count
        return scores.indices.map { cell in
            guard scores[cell].isFinite else { return scores[cell] }
            let sum = stride(from: cell, to: terms.count, by: cells).reduce(Float(0)) { $0 + terms[$1] }
            return (softCap.map { $0 * tanh(sum / $0) } ?? sum) + (positionBias.isEmpty ? 0 : positionBias[cell])
        }
    }
}
