import LensCore
import LensEngine
import LensTestSupport
import Testing

@Suite struct HeadDetectionTests {
    /// Against TransformerLens's `detect_head`: three kinds, both measures, all exclusions.
    @Test func detectionAgreesWithTransformerLens() async throws {
        var engines: [String: EngineFixture] = [:]
        let records = try HeadRecord.all()
        #expect(records.contains { $0.errorMeasure == "abs" && $0.excludesBOS && $0.excludesCurrentToken })
        for record in records {
            let fixture = try engines[record.checkpoint] ?? EngineFixture(record.checkpoint)
            engines[record.checkpoint] = fixture
            let recipe = try fixture.recipe([.tokens(record.tokens)])
            let kind = try #require(DetectedHead.named.first { $0.name == record.head })
            let reply = try await fixture.engine.detectHeads(
                HeadDetectionRequest(
                    source: .run(""), kinds: [kind], measure: record.errorMeasure == "mul" ? .mul : .abs,
                    excludesBOS: record.excludesBOS, excludesCurrentToken: record.excludesCurrentToken),
                recipe: recipe, control: CallControl())
            let found = try #require(reply.detections.first).scores
            #expect(agree(found, record.scores.map { Float($0) }), "\(record)")
        }
    }

    /// A target of one's own that is a named one gives the same.
    @Test func ownTargetsCount() async throws {
        let fixture = try EngineFixture("gpt-neo-3l-local")
        let recipe = try fixture.recipe(.processed, ["seq7"])
        var target = [Float](repeating: 0, count: 49)
        for row in 1..<7 { target[row * 7 + row - 1] = 1 }
        let reply = try await fixture.engine.detectHeads(
            HeadDetectionRequest(source: .run(""), kinds: [.previousToken, .target], target: target), recipe: recipe,
            control: CallControl())
        #expect(reply.detections.map(\.kind) == [.previousToken, .target])
        #expect(reply.detections[0].scores == reply.detections[1].scores)
        target[3] = 1
        for target in [target, [1, 0, 1]] {
            await #expect(throws: LensError.self) {
                _ = try await fixture.engine.detectHeads(
                    HeadDetectionRequest(source: .run(""), kinds: [.target], target: target), recipe: recipe,
                    control: CallControl())
            }
        }
    }

    /// What was run is said, and its diagonals are the scores; the same seed gives the same.
    @Test func inductionIsTheDiagonal() async throws {
        let fixture = try EngineFixture("gpt-neo-3l-local")
        let request = InductionRequest(
            model: ModelReference(name: "tiny"), length: 6, batch: 3, seed: 7, prependBOS: true)
        let reply = try await fixture.engine.scoreInduction(request, runs: [:], control: CallControl())
        #expect(reply.sequences.count == 3)
        var expected = [Float](repeating: 0, count: 12)
        for sequence in reply.sequences {
            #expect(sequence.count == 13 && sequence[0] == 0 && sequence[1..<7] == sequence[7...])
            for layer in 0..<3 {
                let (pattern, _) = try await fixture.query(
                    try fixture.recipe([.tokens(sequence)]), "pattern\(layer)")
                for head in 0..<4 {
                    let entries = (5..<13).map { pattern[(head * 13 + $0) * 13 + $0 - 5] }
                    expected[layer * 4 + head] += entries.reduce(0, +) / Float(entries.count) / 3
                }
            }
        }
        #expect(agree(reply.scores, expected))
        let again = try await fixture.engine.scoreInduction(request, runs: [:], control: CallControl())
        #expect(again == reply)
        #expect(Set(reply.sequences).count == 3)
    }
}
