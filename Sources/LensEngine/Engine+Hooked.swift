import CLensSystem
import LensCore
import LensModel

extension Engine {
    /// Names of points at which one pass parks.
    private static let maximumHooks = 4096
    private static let largePassBytes = 16 << 20

    /// Runs all prompts of a recipe in one pass that parks where the client's functions want to look, and shows what
    /// was to be kept. The reply's `runID` is empty: recording is the service's.
    ///
    /// Every step between two stops is a job of its own: while the client thinks, the engine's thread is everybody's.
    ///
    /// - Throws: `INVALID_ARGUMENT` for more tokens than one pass takes and for answers that do not fit, `NOT_FOUND`
    ///   for a hook point, `RESOURCE_EXHAUSTED` while others' parked passes hold too much; what the client's end throws.
    public func runHooked(
        _ request: HookedRunRequest, recipe: Recipe, client: HookClient, control: CallControl
    ) async throws -> RunReply {
        let subject = try await subject(recipe, control: control)
        let run = request.run
        try check(topCount: run.topCount, prompts: recipe.tokens.count, in: subject.configuration)
        try checkHookCount(request.hooks.count)
        let hooks = Set(try points(.names(request.hooks), in: subject.configuration))
        let kept = Set(try points(run.keep, in: subject.configuration))
        try checkRowCount(of: subject)

        let stops = hooks.union(kept).sorted()
        let bytes = subject.passBytes + (stops.map { subject.byteCount(of: $0) }.max() ?? 0)
        try parked.reserve(bytes, for: client.user)
        defer { parked.release(bytes, for: client.user) }
        do {
            var state = try subject.begin(prompts: Array(recipe.tokens.indices))
            // Here it stands already; on the way to a stop only what lies between is edited.
            try subject.plan.apply(to: &state, prompts: Array(recipe.tokens.indices), control: control)
            var session = HookSession(client, interventions: recipe.interventions, control: control)
            for stop in stops {
                state = try await passes.run(
                    AdvanceJob(state, to: stop, through: subject.plan), for: user, control: control)
                if hooks.contains(stop) { try await session.park(&state) }
                if kept.contains(stop) { try await session.keep(state) }
            }
            return try await finish(state, of: subject, run, control: control)
        } catch {
            // The engine's thread may sleep for a while: what a large pass held goes back to the system now.
            if bytes > Self.largePassBytes { lens_trim_memory() }
            throw error
        }
    }

    private func finish(
        _ state: consuming ForwardState, of subject: PassSubject, _ request: RunRequest, control: CallControl
    ) async throws(LensError) -> RunReply {
        guard request.wantsLoss || request.topCount > 0 else {
            return try reply(to: request, of: subject, RunJob.Outcome())
        }
        let end = HookPoint(.residPost, layer: subject.configuration.nLayers - 1)
        let last = max(end, state.point, subject.plan.points.last ?? end)
        let ended = try await passes.run(
            AdvanceJob(state, to: last, through: subject.plan), for: user, control: control)
        let outcome = try await passes.run(
            FinishJob(ended, wantsLoss: request.wantsLoss, topCount: request.topCount), for: user,
            control: control)
        return try reply(to: request, of: subject, outcome)
    }

    func checkHookCount(_ count: Int) throws(LensError) {
        guard count <= Self.maximumHooks else {
            throw .invalidArgument("a run parks at no more than \(Self.maximumHooks) points; received \(count)")
        }
    }

    /// Functions see the activations of all prompts at once, so all go in one pass.
    func checkRowCount(of subject: PassSubject) throws(LensError) {
        let lengths = subject.recipe.tokens.map(\.count)
        let rows = lengths.reduce(0, +)
        guard lengths.count == 1 || rows <= subject.budget.rows else {
            throw .invalidArgument(
                "hook functions and gradients take all prompts in one pass, of at most \(subject.budget.rows) tokens in "
                    + "all for this model; received \(rows) in \(lengths.count) prompts: run fewer at a time")
        }
    }
}

extension PassSubject {
    /// About what a pass over all prompts holds beside the model, at its fullest, in bytes.
    var passBytes: Int {
        let configuration = configuration
        let squares = recipe.tokens.reduce(0) { $0 + configuration.nHeads * $1.count * $1.count }
        return 4 * (rowCount * (6 * configuration.dModel + configuration.activationsOfMLP) + 2 * squares)
    }

    /// Bytes of one activation of all prompts.
    func byteCount(of point: HookPoint) -> Int {
        recipe.tokens.indices.reduce(0) { $0 + 4 * shape(of: point.kind, prompt: $1).reduce(1, *) }
    }
}
