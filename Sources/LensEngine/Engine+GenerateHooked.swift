import CLensSystem
import LensCore
import LensModel

extension Engine {
    /// As ``generate(_:recipe:control:progress:)``, each step's pass parking where the client's functions want to look.
    ///
    /// A function sees the new positions of the prompts that still grow: at first the prompts whole, then one position
    /// each. What it makes of keys and values is what later positions attend to.
    ///
    /// - Parameter progress: gets the new tokens of each step.
    /// - Throws: as ``generate(_:recipe:control:progress:)`` and ``runHooked(_:recipe:client:control:)``.
    public func generateHooked(
        _ request: HookedGenerateRequest, recipe: Recipe, client: HookClient, control: CallControl,
        progress: ([GeneratedTokens]) async throws -> Void
    ) async throws -> GenerateReply {
        let subject = try await subject(recipe, control: control)
        let (options, seed, keptBytes) = try checked(request.generation.options, for: subject)
        try checkHookCount(request.hooks.count)
        let stops = Set(try points(.names(request.hooks), in: subject.configuration)).sorted()
        try checkRowCount(of: subject)
        try kept.reserve(keptBytes)
        defer { kept.release(keptBytes) }
        let bytes = subject.passBytes + (stops.map { subject.byteCount(of: $0) }.max() ?? 0)
        try parked.reserve(bytes, for: client.user)
        defer { parked.release(bytes, for: client.user) }

        var draft = try GenerationDraft(subject, options: options, seed: seed)
        var session = HookSession(client, interventions: recipe.interventions, control: control)
        var prompts = draft.open
        var waiting = prompts.map { recipe.tokens[$0] }
        var cache = KeyValueCache(subject.model, form: recipe.model.form, sequences: prompts.count)
        do {
            while !prompts.isEmpty {
                var state = try ForwardState(
                    subject.model, form: recipe.model.form, tokens: waiting, continuing: cache.take())
                // Here it stands already; on the way to a stop only what lies between is edited.
                try subject.plan.apply(to: &state, prompts: prompts, control: control)
                for stop in stops {
                    state = try await passes.run(
                        AdvanceJob(state, to: stop, through: subject.plan, prompts: prompts), for: user,
                        control: control)
                    try await session.park(&state)
                }
                let step = try await passes.run(
                    ExtendJob(state, of: prompts, draft, in: subject), for: user, control: control)
                draft = step.draft
                try await progress(step.news)
                let open = prompts.indices.filter { draft.isOpen(prompts[$0]) }
                cache = step.cache.taking(open)
                prompts = open.map { prompts[$0] }
                waiting = prompts.map { draft.newestToken(of: $0) }
            }
        } catch {
            // The engine's thread may sleep for a while: what the pass held goes back to the system now.
            lens_trim_memory()
            throw error
        }
        return try reply(draft.outcomes, options, of: subject)
    }
}

/// Takes a pass to its end and chooses the next tokens.
private final class ExtendJob: PassJob {
    struct Step: Sendable {
        let draft: GenerationDraft
        let cache: KeyValueCache
        let news: [GeneratedTokens]
    }

    private var state: ForwardState
    private let prompts: [Int]
    private var draft: GenerationDraft
    private let subject: PassSubject

    init(
        _ state: consuming ForwardState, of prompts: [Int], _ draft: GenerationDraft, in subject: PassSubject
    ) {
        self.state = state
        self.prompts = prompts
        self.draft = draft
        self.subject = subject
    }

    var cost: PassCost {
        PassCost(
            operations: subject.operations(prompts: prompts, readRows: prompts.count), rows: 0, continues: true)
    }

    func step(on compute: Compute) throws(LensError) -> Step? {
        let cache = try subject.finish(&state, on: compute) { (state) throws(LensError) in
            try subject.plan.apply(to: &state, prompts: prompts, control: compute.control)
        }
        let news = try draft.extend(prompts, after: state, on: compute)
        return Step(draft: draft, cache: cache, news: news)
    }
}
