import LensCheckpoint
import LensCore
import LensEngine
import LensModel
import LensTensor
import LensTestSupport
import Testing

/// A model whose folder has no tokenizer takes tokens and shows ids; text is refused, not guessed at.
@Suite struct ModelWithoutTokenizerTests {
    private let engine: Engine
    private let fixture: EngineFixture
    private let model = ModelReference(name: "toy")

    init() throws {
        let folder = try TemporaryFolder()
        for name in ["config.json", "model.safetensors"] {
            try folder.write(name, Fixtures.bytes("gpt-neo-1l-16h/" + name))
        }
        let pool = ComputePool(threads: 2)
        let toy = try LanguageModel(folder: ModelFolder(opening: folder.path), on: pool)
        engine = try Engine(models: ResidentModels([RegisteredModel(name: "toy", model: toy)]), pool: pool)
        fixture = try EngineFixture("gpt-neo-1l-16h")
    }

    private static let message = "model 'toy' has no tokenizer; give tokens (--ids 5,7,9), not text"

    private func recipe(_ prompts: [Prompt], _ edits: [InterventionSpec] = []) throws -> Recipe {
        try engine.prepare(model: model, prompts: prompts, interventions: edits)
    }

    @Test(arguments: [true, false])
    func textIsRefused(prependBOS: Bool) throws {
        let expected = LensError(.failedPrecondition, Self.message)
        let text = Prompt.text("Once", prependBOS: prependBOS)
        #expect(throws: expected) { try recipe([text]) }
        #expect(throws: expected) { try engine.tokenize(TokenizeRequest(model: model, prompts: [text])) }
        #expect(throws: LensError(.failedPrecondition, "prompt 1: " + Self.message)) {
            try recipe([.tokens([1]), text])
        }
    }

    @Test func descriptionHasNoBOS() throws {
        let served = try engine.models.model(for: ModelReference(name: nil))
        #expect(served.description(isDefault: true).bosTokenID == nil)
    }

    @Test func tokensAreShownAsTheirIDs() throws {
        let reply = try engine.tokenize(TokenizeRequest(model: model, prompts: [.tokens([5, 0, 319]), .tokens([])]))
        #expect(reply.tokens == [["5", "0", "319"].map { Token(id: Int32($0) ?? -1, text: $0) }, []])
        #expect(reply.texts == ["5 0 319", ""])
        for id: Int32 in [-1, 320, .max] {
            #expect(throws: LensError.invalidArgument("token id must be in 0...319; received \(id)")) {
                try engine.tokenize(TokenizeRequest(model: model, prompts: [.tokens([id])]))
            }
        }
    }

    /// Numbers are those of the same weights with a tokenizer.
    @Test func runsAndSweepsAreTheSame() async throws {
        let ids = try fixture.tokens("seq24")
        let request = RunRequest(
            model: model, prompts: [], topCount: 5, wantsPerTokenLoss: true, keep: .none, isRecorded: false)
        let run = try await engine.run(request, recipe: recipe([.tokens(ids)]), control: CallControl())
        let expected = try await fixture.run(fixture.recipe(.processed, ["seq24"]), top: 5)
        #expect(run.loss == expected.loss)
        #expect(run.prompts[0].tokens.map(\.id) == ids)
        #expect(run.prompts[0].tokens.map(\.text) == ids.map(String.init))
        #expect(run.prompts[0].top.map(\.token.id) == expected.prompts[0].top.map(\.token.id))
        #expect(run.prompts[0].top.map(\.token.text) == run.prompts[0].top.map { String($0.token.id) })
        #expect(run.fingerprint != expected.fingerprint)
    }

    @Test func generationWritesIDs() async throws {
        let greedy = GenerationOptions(maxNewTokens: 6, temperature: 0, stopsAtEOS: false)
        let ids = try fixture.tokens("seq7")
        let reply = try await engine.generate(greedy, recipe: recipe([.tokens(ids)]), control: CallControl()) { _ in }
        let expected = try await fixture.engine.generate(
            greedy, recipe: fixture.recipe(.processed, ["seq7"]), control: CallControl()
        ) { _ in }
        #expect(reply.prompts[0].tokens.map(\.id) == expected.prompts[0].tokens.map(\.id))
        #expect(reply.prompts[0].text == reply.prompts[0].tokens.dropFirst(7).map { " \($0.id)" }.joined())
        #expect(reply.prompts[0].finishReason == .length)
    }

    @Test func stopStringsAreRefused() async throws {
        let options = GenerationOptions(maxNewTokens: 2, temperature: 0, stopStrings: ["."])
        let recipe = try recipe([.tokens([1, 2])])
        let error = await #expect(throws: LensError.self) {
            try await engine.generate(options, recipe: recipe, control: CallControl()) { _ in }
        }
        #expect(error?.code == .failedPrecondition)
        #expect(error?.message.contains("has no tokenizer") == true)
    }
}
