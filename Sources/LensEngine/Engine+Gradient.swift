import CLensSystem
import LensCore
import LensModel
import LensTensor

extension Engine {
    /// Runs all prompts of a recipe in one pass and takes the way back through it, showing the client the gradients that
    /// it wants and parking where it may put another gradient in the place of what is there.
    ///
    /// The pass is computed anew and nothing is kept: whoever asks again sends what he changed again.
    ///
    /// - Parameters:
    ///   - client: gives the values that the request announced, then an answer to each stop.
    ///   - begin: is told the sum of the terms once the pass is done.
    /// - Throws: `INVALID_ARGUMENT`, `NOT_FOUND` (see ``GradientPlan``), also for values that do not fit;
    ///   `RESOURCE_EXHAUSTED` up front for what would take too much memory; what the client's end throws.
    public func gradient(
        _ request: GradientRequest, recipe: Recipe, client: HookClient, control: CallControl,
        begin: (Double) async throws -> Void
    ) async throws {
        let subject = try await subject(recipe, control: control)
        let plan = try GradientPlan(request, for: subject)
        try checkRowCount(of: subject)
        let bytes = plan.predictedBytes(of: subject)
        guard bytes <= GradientPlan.maximumBytes else {
            throw LensError.resourceExhausted(
                "this gradient takes about \(bytes >> 20) MiB, of \(GradientPlan.maximumBytes >> 20) MiB that one may "
                    + "take: ask for fewer prompts, or for fewer of the large points at once")
        }
        try parked.reserve(bytes, for: client.user)
        defer { parked.release(bytes, for: client.user) }
        do {
            let cotangents = try await receive(plan.cotangents, of: subject, from: client, control)
            let replacements = try await receive(plan.replacements, of: subject, from: client, control)
            let prompts = Array(recipe.tokens.indices)
            let edits = PlannedEdits(subject.plan, prompts: prompts, replacements: replacements)
            // The way back is about twice the way there, taken in as many legs as there are stops.
            let operations = subject.operations(readRows: subject.rowCount)
            let leg = PassCost(
                operations: 2 * operations / Double(max(plan.visits.count, 1)), rows: 0, continues: true)
            let tape = try await passes.run(
                RecordJob(
                    try ForwardTape(
                        subject.begin(prompts: prompts), edits: edits, reading: plan.wanted, changing: plan.changing,
                        end: plan.end, capacity: GradientPlan.tapeCapacity),
                    cost: PassCost(operations: operations, rows: subject.rowCount)), for: user, control: control)
            let terms = try plan.predictionTerms(tape.tokens)
            var (state, value) = try await passes.run(
                BackwardStartJob(tape, terms: terms, cost: leg), for: user, control: control)
            try await begin(value)
            var session = HookSession(client, interventions: recipe.interventions, control: control)
            for point in plan.visits {
                state = try await passes.run(
                    BackwardJob(state, to: point, adding: cotangents[point] ?? [], cost: leg), for: user,
                    control: control)
                if plan.wanted.contains(point) { try await session.keep(state) }
                if plan.stops.contains(point), try await session.park(&state) { state.skipEdits() }
            }
        } catch {
            // The engine's thread may sleep for a while: what the gradient held goes back to the system now.
            lens_trim_memory()
            throw error
        }
    }

    /// The announced values of some points, one tensor per sequence.
    private func receive(
        _ points: [HookPoint], of subject: PassSubject, from client: HookClient, _ control: CallControl
    ) async throws -> [HookPoint: [Tensor]] {
        var found: [HookPoint: [Tensor]] = [:]
        for point in points {
            let shapes = subject.recipe.tokens.map {
                subject.configuration.shape(of: point.kind, pos: $0.count)
            }
            guard case .replacement(let received)? = try await client.receive() else {
                throw LensError.invalidArgument(
                    "the values for \(point) begin with their shapes; received something else")
            }
            guard received == shapes else {
                throw LensError.invalidArgument(
                    "the values for \(point) have the shapes \(shapes) here; received \(received)")
            }
            var incoming = IncomingValues(for: point, shapes: shapes)
            while incoming.missingBytes > 0 {
                guard case .values(let bytes)? = try await client.receive() else {
                    throw LensError.invalidArgument(
                        "the values for \(point) lack \(incoming.missingBytes) bytes; received something else")
                }
                try incoming.append(bytes)
            }
            found[point] = try incoming.tensors(shapes, control: control)
        }
        return found
    }
}
