import LensCore
import LensEngine
import LensStore
import LensWire

/// Answers passes, activations and sweeps; what is recorded is in the store before the reply leaves.
struct InferenceHandler: Sendable {
    let engine: SharedEngine
    let store: SessionStore

    func tokenize(_ request: TokenizeRequest, _ context: CallContext) async throws(LensError) -> TokenizeReply {
        let engine = try await engine.engine(with: request.model, for: context.caller, control: context.control)
        let control = context.control
        guard request.prompts.isLong else { return try engine.tokenize(request, control: control) }
        return try await context.aside { () throws(LensError) in try engine.tokenize(request, control: control) }
    }

    func run(_ request: RunRequest, _ context: CallContext) async throws(LensError) -> RunReply {
        if request.isRecorded { try await checkSession(request.session, context) }
        let (engine, recipe) = try await prepare(request.model, request.prompts, request.interventions, context)
        guard request.isRecorded else {
            return try await engine.run(request, recipe: recipe, control: context.control)
        }
        if case .run(let earlier) = try await earlierResult(of: recipe, .run, context) { return earlier }
        let reply = try await engine.run(request, recipe: recipe, control: context.control)
        let run = NewRun(
            session: request.session, recipe: recipe, result: .run(reply),
            excerpt: Self.excerpt(of: request.prompts, tokens: reply.prompts.first?.tokens),
            requestID: context.requestID)
        guard case .run(let recorded) = try await store.record(run, owner: context.peer.userID).result else {
            throw LensError(.internal, "a run was recorded as something else")
        }
        return recorded
    }

    func query(
        _ request: QueryRequest, _ context: CallContext, _ send: @escaping SendEvent<QueryEvent>
    ) async throws {
        let (runID, engine, recipe) = try await subject(of: request.source, context)
        try await engine.query(
            recipe: recipe, hook: request.hook, slice: request.slice, prompts: request.prompts,
            control: context.control
        ) { event in
            guard case .header(var header) = event else { return try await send(event) }
            header.runID = runID
            try await send(.header(header))
        }
    }

    func scoreHeads(_ request: HeadScoresRequest, _ context: CallContext) async throws(LensError) -> HeadScoresReply {
        let (engine, recipe) = try await prepare(request.model, request.prompts, [], context)
        return try await engine.scoreHeads(of: recipe, control: context.control)
    }

    /// A recorded run's id, and the recipe that the request is about.
    func subject(
        of source: PassSource, _ context: CallContext
    ) async throws(LensError) -> (runID: String, Engine, Recipe) {
        switch source {
        case .run(let reference):
            let (runID, recipe, isImported) = try await recipe(of: reference, context)
            let engine = try await engine.engine(with: recipe, for: context.caller, control: context.control)
            guard isImported else { return (runID, engine, recipe) }
            let model = try engine.reference(form: recipe.model.form)
            return (runID, engine, try engine.prepare(recipe, on: model))
        case .prompts(let model, let prompts, let interventions):
            let (engine, recipe) = try await prepare(model, prompts, interventions, context)
            return ("", engine, recipe)
        }
    }

    // MARK: - Preparing

    /// Holds a pass against its model; the caller's runs that its edits take values from are looked up first.
    ///
    /// - Returns: an engine that has the model, and the recipe.
    func prepare(
        _ model: ModelReference, _ prompts: [Prompt], _ interventions: [InterventionSpec], _ context: CallContext
    ) async throws(LensError) -> (Engine, Recipe) {
        let engine = try await engine.engine(with: model, for: context.caller, control: context.control)
        let runs = try await runs(of: interventions, on: engine, context)
        let control = context.control
        let prepare = { @Sendable () throws(LensError) in
            try engine.prepare(
                model: model, prompts: prompts, interventions: interventions, runs: runs, control: control)
        }
        return (engine, prompts.isLong ? try await context.aside(prepare) : try prepare())
    }

    /// The recorded runs that edits name, by the name they use.
    func runs(
        of interventions: [InterventionSpec], on engine: Engine, _ context: CallContext
    ) async throws(LensError) -> [String: Recipe] {
        var runs: [String: Recipe] = [:]
        var size = 0
        for case .run(let reference)? in interventions.map(\.action.source) where runs[reference] == nil {
            try context.control.check()
            var (_, recipe, isImported) = try await recipe(of: reference, context)
            // One of other weights is refused as any run of theirs.
            if isImported, try engine.hasWeights(of: recipe) {
                recipe = try engine.prepare(recipe, on: try engine.reference(form: recipe.model.form))
            }
            // One run has many prefixes: what is too much together is not gathered first.
            size += recipe.size
            guard size <= Recipe.maximumSize else { throw Recipe.tooLarge }
            runs[reference] = recipe
        }
        return runs
    }

    /// A recorded run that the caller may read.
    private func recipe(
        of reference: String, _ context: CallContext
    ) async throws(LensError) -> (runID: String, recipe: Recipe, isImported: Bool) {
        try await store.recipe(of: try await RunAddress(parsing: reference), for: context.peer.userID)
    }

    // MARK: - Recording

    func checkSession(_ name: String, _ context: CallContext) async throws(LensError) {
        try await store.checkRecording(
            into: name, requestID: context.requestID, owner: context.peer.userID)
    }

    func earlierResult(
        of recipe: Recipe, _ subject: RunSubject, _ context: CallContext
    ) async throws(LensError) -> RunResult? {
        try await store.earlierRun(
            requestID: context.requestID, recipe: recipe, subject: subject, owner: context.peer.userID)?.result
    }

    /// The first prompt as its user knows it.
    static func excerpt(of prompts: [Prompt], tokens: [Token]?) -> String {
        if case .text(let text, _) = prompts.first { return text }
        return (tokens ?? []).prefix(NewRun.excerptLength).map(\.text).joined()
    }
}

extension [Prompt] {
    /// More text than is made tokens in a millisecond or two.
    fileprivate var isLong: Bool {
        reduce(0) { count, prompt in
            guard case .text(let text, _) = prompt else { return count }
            return count + text.utf8.count
        } > 16 << 10
    }
}

extension Engine {
    /// The one model that the call is about, under its present name.
    func reference(form: ModelReference.Form) throws(LensError) -> ModelReference {
        ModelReference(name: try models.model(for: ModelReference(name: nil)).name, form: form)
    }

    func hasWeights(of recipe: Recipe) throws(LensError) -> Bool {
        try models.model(for: ModelReference(name: nil)).description(isDefault: false).fingerprint == recipe.fingerprint
    }
}
