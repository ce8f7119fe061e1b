import FoundationEssentials
import LensCore
import LensEngine
import LensModel
import LensTestSupport
import Testing

@Suite struct HeadAtlasTests {
    private struct Record: Decodable {
        let checkpoint: String
        let prompts: [[Int32]]
        let layer: Int
        let head: Int
        let toSelf: Double
        let toPrevious: Double
        let toFirst: Double
        let toDuplicate: Double
        let toInduction: Double
        let evenDuplicate: Double
        let evenInduction: Double
        let entropy: Double
        let structure: Double
        let position: Double
    }

    /// Against TransformerLens's patterns, scored in NumPy with a model fitted by another method.
    @Test func scoresAgreeWithTransformerLens() async throws {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        let records = try decoder.decode([Record].self, from: Data(try Fixtures.bytes("heads/positions.json")))
        #expect(records.contains { $0.position > 0.02 })
        for (checkpoint, heads) in Dictionary(grouping: records, by: \.checkpoint) {
            let fixture = try EngineFixture(checkpoint)
            let prompts = try #require(heads.first).prompts
            let reply = try await fixture.engine.scoreHeads(
                of: fixture.engine.prepare(
                    model: ModelReference(name: "tiny"), prompts: prompts.map { .tokens($0) }, interventions: []),
                control: CallControl())
            #expect(reply.heads.count == heads.count)
            for record in heads {
                let scores = try #require(
                    reply.heads.first { ($0.layer, $0.head) == (record.layer, record.head) })
                for (found, expected) in [
                    (scores.toSelf, record.toSelf), (scores.toPrevious, record.toPrevious),
                    (scores.toFirst, record.toFirst), (scores.toDuplicate, record.toDuplicate),
                    (scores.toInduction, record.toInduction), (scores.evenDuplicate, record.evenDuplicate),
                    (scores.evenInduction, record.evenInduction), (scores.entropy, record.entropy),
                    (scores.structure, record.structure),
                ] {
                    #expect(abs(found - expected) <= 1e-4, "\(checkpoint) L\(record.layer)H\(record.head)")
                }
                // Two searches of one flat hill stop at places that are not quite the same.
                #expect(
                    abs(scores.position - record.position) <= 3e-3,
                    "\(checkpoint) L\(record.layer)H\(record.head): \(scores.position), \(record.position)")
            }
        }
    }

    private func atlas(
        _ fixture: EngineFixture, _ request: HeadAtlasRequest, control: CallControl = CallControl()
    ) async throws -> HeadAtlas {
        try await fixture.engine.headAtlas(
            request, over: fixture.engine.headAtlasCorpus(of: request, control: control), control: control
        ) { _, _, _ in }
    }

    @Test func anAtlasHasTheSweepsEffectsAndTheScores() async throws {
        let fixture = try EngineFixture("gpt-neo-1l-16h")
        let prompts: [Prompt] = try ["seq24", "seq7"].map { .tokens(try fixture.tokens($0)) }
        let found = try await atlas(
            fixture, HeadAtlasRequest(model: ModelReference(name: "tiny"), prompts: prompts, pairCount: 3))
        let recipe = try fixture.recipe(prompts)
        let sweep = try await fixture.sweep(.heads(.zero), of: recipe)
        #expect(found.heads.count == 16)
        #expect(found.baselineLoss == sweep.baselineLoss)
        #expect(found.heads.map(\.delta) == sweep.heads.map(\.delta))
        #expect(found.heads.map(\.standardError) == sweep.heads.map(\.standardError))
        #expect(found.tokenCount == 31 && found.predictionCount == 29 && !found.isBuiltInCorpus)
        for head in found.heads {
            #expect(head.pairs.count <= 3)
            #expect(abs(head.scores.position + head.tokens + head.context - 1) < 1e-9)
            #expect(head.pairs.allSatisfy { $0.weight >= TokenPair.countedFrom && $0.places > 0 })
        }
    }

    @Test func withoutAblationThereAreNoEffects() async throws {
        let fixture = try EngineFixture("gpt-neo-1l-16h")
        let found = try await atlas(
            fixture,
            HeadAtlasRequest(
                model: ModelReference(name: "tiny"), prompts: [.tokens(try fixture.tokens("seq24"))], ablation: nil))
        #expect(found.baselineLoss.isNaN && found.heads.allSatisfy { $0.delta.isNaN })
    }

    @Test func whatDoesNotFitIsRefused() async throws {
        let fixture = try EngineFixture("gpt-neo-1l-16h")
        await #expect(throws: LensError.self) {
            try await atlas(fixture, HeadAtlasRequest(model: ModelReference(name: "tiny"), pairCount: 65))
        }
        let cancelled = CallControl()
        cancelled.cancel()
        let error = await #expect(throws: LensError.self) {
            try await atlas(
                fixture, HeadAtlasRequest(model: ModelReference(name: "tiny"), prompts: [.tokens([1, 2, 3])]),
                control: cancelled)
        }
        #expect(error?.code == .cancelled)
    }

    /// The daemon's stories are cut to the context.
    @Test func withoutPromptsStoriesAreRead() async throws {
        let fixture = try EngineFixture("gpt-neo-1l-16h")
        let found = try await atlas(fixture, HeadAtlasRequest(model: ModelReference(name: "tiny"), ablation: nil))
        #expect(found.isBuiltInCorpus && found.promptCount == 48)
    }
}
