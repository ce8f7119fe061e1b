import LensCore
import LensEngine
import LensStore
import LensWire

/// Answers passes, activations and sweeps; what is recorded is in the store before the reply leaves.
struct InferenceHandler: Sendable {
    let engine: Engine
    let store: SessionStore

    func tokenize(_ request: TokenizeRequest) throws(LensError) -> TokenizeReply {
        try engine.tokenize(request)
    }

    func run(_ request: RunRequest, _ context: CallContext) async throws(LensError) -> RunReply {
        if request.isRecorded { _ = try SessionName(checking: request.session) }
        let recipe = try await prepare(request.model, request.prompts, request.interventions, context)
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

    /// Sends progress while the engine works, then the result.
    func sweep(
        _ request: SweepRequest, _ context: CallContext, _ send: @escaping SendEvent<SweepEvent>
    ) async throws {
        if request.isRecorded { _ = try SessionName(checking: request.session) }
        let recipe = try engine.prepare(model: request.model, prompts: request.prompts, interventions: [])
        let subject = RunSubject.sweep(request.action, hook: request.hook)
        if request.isRecorded, case .sweep(let earlier) = try await earlierResult(of: recipe, subject, context) {
            return try await send(.result(earlier))
        }
        let reply = try await sweepReportingProgress(request, recipe: recipe, context, send)
        guard request.isRecorded else { return try await send(.result(reply)) }
        let run = NewRun(
            session: request.session, recipe: recipe, result: .sweep(reply),
            excerpt: Self.excerpt(of: request.prompts, tokens: reply.tokens.first), requestID: context.requestID)
        guard case .sweep(let recorded) = try await store.record(run, owner: context.peer.userID).result else {
            throw LensError(.internal, "a sweep was recorded as something else")
        }
        try await send(.result(recorded))
    }

    func query(
        _ request: QueryRequest, _ context: CallContext, _ send: @escaping SendEvent<QueryEvent>
    ) async throws {
        let (runID, recipe) =
            switch request.source {
            case .run(let reference): try await store.recipe(of: reference, owner: context.peer.userID)
            case .prompts(let model, let prompts, let interventions):
                ("", try await prepare(model, prompts, interventions, context))
            }
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
        try await engine.scoreHeads(request, control: context.control)
    }

    // MARK: - Preparing

    /// Holds a pass against its model; the caller's runs that its edits take values from are looked up first.
    func prepare(
        _ model: ModelReference, _ prompts: [Prompt], _ interventions: [InterventionSpec], _ context: CallContext
    ) async throws(LensError) -> Recipe {
        var runs: [String: Recipe] = [:]
        var size = 0
        for case .run(let reference)? in interventions.map(\.action.source) where runs[reference] == nil {
            try context.control.check()
            let recipe = try await store.recipe(of: reference, owner: context.peer.userID).recipe
            // One run has many prefixes: what is too much together is not gathered first.
            size += recipe.size
            guard size <= Recipe.maximumSize else { throw Recipe.tooLarge }
            runs[reference] = recipe
        }
        return try engine.prepare(model: model, prompts: prompts, interventions: interventions, runs: runs)
    }

    // MARK: - Progress

    /// The engine's threads never wait for a client: of the progress that piles up only the newest is sent.
    private func sweepReportingProgress(
        _ request: SweepRequest, recipe: Recipe, _ context: CallContext,
        _ send: @escaping SendEvent<SweepEvent>
    ) async throws -> SweepReply {
        let (progress, source) = AsyncStream.makeStream(of: SweepEvent.self, bufferingPolicy: .bufferingNewest(1))
        async let sending: Void = {
            do {
                for await event in progress { try await send(event) }
            } catch {
                // Nobody hears the result: the engine need not finish it.
                context.control.cancel()
                throw error
            }
        }()
        let outcome: Result<SweepReply, LensError>
        do {
            outcome = .success(
                try await engine.sweep(request, recipe: recipe, control: context.control) { done, total in
                    source.yield(.progress(done: done, total: total))
                })
        } catch {
            outcome = .failure(error)
        }
        source.finish()
        try await sending
        return try outcome.get()
    }

    // MARK: - Recording

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
