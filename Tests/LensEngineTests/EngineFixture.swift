import LensCore
import LensEngine
import LensModel
import LensTensor
import LensTestSupport

/// An engine that serves one fixture checkpoint under the name `tiny`.
final class EngineFixture: Sendable {
    let engine: Engine
    let reference: ReferenceTensors

    init(
        _ checkpoint: String, cacheBytes: Int = 64 << 20, answerBytes: Int = 1 << 30, parkedBytes: Int = 1 << 30,
        scope: CacheScope = .everyone
    ) throws {
        let pool = ComputePool(threads: 2)
        let model = try LanguageModel(folder: Fixtures.folder(checkpoint), on: pool)
        let registry = try ResidentModels([RegisteredModel(name: "tiny", model: model)])
        var options = EngineOptions(cacheBytes: cacheBytes, answerBytes: answerBytes, parkedBytes: parkedBytes)
        options.cacheScope = scope
        engine = try Engine(models: registry, pool: pool, options: options)
        reference = try Fixtures.reference(checkpoint)
    }

    deinit { engine.stop() }

    func tokens(_ sequence: String) throws -> [Int32] {
        try reference.tokens("\(sequence)/tokens")
    }

    /// A recipe over sequences of the reference.
    func recipe(
        _ form: ModelReference.Form, _ sequences: [String], _ interventions: [InterventionSpec] = []
    ) throws -> Recipe {
        try engine.prepare(
            model: ModelReference(name: "tiny", form: form), prompts: sequences.map { .tokens(try tokens($0)) },
            interventions: interventions)
    }

    /// A recipe over prompts of any tokens.
    func recipe(
        _ prompts: [Prompt], _ interventions: [InterventionSpec] = [], form: ModelReference.Form = .processed
    ) throws -> Recipe {
        try engine.prepare(
            model: ModelReference(name: "tiny", form: form), prompts: prompts, interventions: interventions)
    }

    func sweep(_ spec: SweepSpec, of recipe: Recipe) async throws -> SweepReply {
        try await engine.sweep(
            SweepRequest(model: recipe.model, prompts: [], sweep: spec), recipe: recipe, control: CallControl()
        ) { _, _ in }
    }

    func run(_ recipe: Recipe, keep: NamesFilter = .none, top: Int = 0) async throws -> RunReply {
        try await engine.run(
            RunRequest(
                model: recipe.model, prompts: [], topCount: top, wantsPerTokenLoss: true, keep: keep,
                isRecorded: false),
            recipe: recipe, control: CallControl())
    }

    /// The values of one activation, prompt after prompt, and the shapes.
    func query(
        _ recipe: Recipe, _ hook: String, slice: String? = nil, prompts: [Int]? = nil
    ) async throws -> (values: [Float], shapes: [[Int]]) {
        var values: [Float] = []
        var shapes: [[Int]] = []
        try await engine.query(
            recipe: recipe, hook: hook, slice: try slice.map { try TensorSlice(parsing: $0) }, prompts: prompts,
            control: CallControl()
        ) { event in
            switch event {
            case .header(let header): shapes.append(header.shape)
            case .values(let part): values += part.withUnsafeBytes { Array($0.bindMemory(to: Float.self)) }
            }
        }
        return (values, shapes)
    }
}
