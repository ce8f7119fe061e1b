import LensCore
import LensEngine
import LensModel
import LensTestSupport
import Testing

@Suite struct HeadScoresTests {
    /// Against TransformerLens's `detect_head` with its error measure `mul` and nothing excluded.
    @Test func detectionAgreesWithTransformerLens() async throws {
        let records = try HeadRecord.defaults()
        #expect(!records.isEmpty)
        var engines: [String: EngineFixture] = [:]
        for record in records {
            let fixture = try engines[record.checkpoint] ?? EngineFixture(record.checkpoint)
            engines[record.checkpoint] = fixture
            let reply = try await fixture.engine.scoreHeads(
                of: fixture.engine.prepare(
                    model: ModelReference(name: "tiny"), prompts: [.tokens(record.tokens)], interventions: []),
                control: CallControl())
            let found: [Double]
            switch record.head {
            case "previous_token_head": found = reply.heads.map(\.detectPrevious)
            case "duplicate_token_head": found = reply.heads.map(\.detectDuplicate)
            default: found = reply.heads.map(\.detectInduction)
            }
            #expect(found.count == record.scores.count)
            for (found, expected) in zip(found, record.scores) {
                #expect(abs(found - expected) <= 1e-4, "\(record.checkpoint) \(record.head)")
            }
        }
    }

    @Test func sharesAreShares() async throws {
        let fixture = try EngineFixture("gpt-neo-1l-16h")
        let reply = try await fixture.engine.scoreHeads(
            of: fixture.engine.prepare(
                model: ModelReference(name: "tiny"),
                prompts: [.tokens(try fixture.tokens("seq24")), .tokens(try fixture.tokens("seq2"))], interventions: []),
            control: CallControl())
        #expect(reply.heads.count == 16)
        for head in reply.heads {
            for share in [head.toSelf, head.toPrevious, head.toDistance, head.toFirst, head.toDuplicate, head.entropy] {
                #expect((0...1.000001).contains(share))
            }
        }
    }
}
