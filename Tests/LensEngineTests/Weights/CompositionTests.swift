import LensCore
import LensEngine
import LensTestSupport
import Testing

/// Against TransformerLens's `all_composition_scores` (`Tests/Fixtures/circuits.py`).
@Suite struct CompositionTests {
    private func scores(
        _ fixture: EngineFixture, _ kind: CompositionKind, _ form: ModelReference.Form
    ) async throws -> (header: WeightHeader, values: [Float]) {
        var header: WeightHeader?
        var values: [Float] = []
        let scores = try await fixture.engine.compositionScores(
            CompositionRequest(model: ModelReference(name: "tiny", form: form), kind: kind), control: CallControl()
        ) { _, _ in }
        try await fixture.engine.send(scores) { event in
            switch event {
            case .header(let received): header = received
            case .values(let part): values += part.withUnsafeBytes { Array($0.bindMemory(to: Float.self)) }
            case .progress: break
            }
        }
        return (try #require(header), values)
    }

    @Test(arguments: [
        "gpt-neo-1l-untied", "gpt-neo-3l-local", "families/gpt2-3l-scaled", "families/llama-3l-grouped",
        "families/gemma2-2l", "families/qwen3-2l", "families/bloom-2l", "families/toy-attn-only-2l",
    ])
    func scoresAgreeWithTransformerLens(_ checkpoint: String) async throws {
        let fixture = try EngineFixture(checkpoint)
        let reference = try Fixtures.reference("circuits")
        for form in [ModelReference.Form.processed, .raw] {
            for kind in CompositionKind.allCases {
                let key = "\(checkpoint)/\(form)/composition/\(kind)"
                let (header, values) = try await scores(fixture, kind, form)
                #expect(header.shape == (try reference.shape(key)), "\(key)")
                #expect(header.name == "composition_scores.\(kind)")
                #expect(header.model == (form == .raw ? "tiny@raw" : "tiny"))
                #expect(agree(values, try reference.floats(key)), "\(key)")
            }
        }
    }
}
