import LensCore
import LensModel
import LensTensor

extension Engine {
    /// Holds a sweep against the model and the prompts.
    ///
    /// - Parameters:
    ///   - recipe: the unedited run: the prompts, and edits under which everything runs.
    ///   - runs: the recorded runs that edits take values from, by the name they use.
    /// - Throws: `NOT_FOUND` for a hook point, `INVALID_ARGUMENT` naming the field, the value and the range.
    public func prepare(
        _ spec: SweepSpec, of recipe: Recipe, runs: [String: Recipe] = [:]
    ) throws(LensError) -> Sweep {
        let entry = try models.model(for: recipe.model)
        guard spec.edits.count <= 16 else {
            throw .invalidArgument("a sweep makes at most 16 edits at a time; received \(spec.edits.count)")
        }
        var edits: [Sweep.Edit] = []
        for edit in spec.edits {
            if case .swap = edit.action {
                throw .invalidArgument("a sweep edits each prompt by itself: nothing can be swapped between prompts")
            }
            guard edit.selection.prompts == nil else {
                throw .invalidArgument("a sweep edits every prompt; leave 'prompt' out of its edits")
            }
            let layers = spec.axes.contains(.layer) ? edit.layers ?? .every : edit.layers
            let points = try points(edit.hook, layers, in: entry.model.configuration)
            guard let kind = points.first?.kind else { continue }
            edits.append(
                Sweep.Edit(
                    kind: kind, layers: points.compactMap(\.layer),
                    action: try action(edit.action, in: entry, form: recipe.model.form, runs: runs),
                    selection: edit.selection))
        }
        let path = try spec.path.map { (path) throws(LensError) in
            try self.path(path, in: entry.model.configuration)
        }
        return Sweep(
            edits: edits, axes: spec.axes, isPaired: spec.isPaired, metrics: spec.metrics, path: path)
    }

    private func path(
        _ path: SweepSpec.Path, in configuration: ModelConfiguration
    ) throws(LensError) -> Sweep.Path {
        guard path.receivers.count <= 1024 else {
            throw .invalidArgument("a path ends at no more than 1024 receivers; received \(path.receivers.count)")
        }
        var receivers: [Sweep.Receiver] = []
        for receiver in path.receivers {
            for point in try points(receiver.hook, receiver.layers, in: configuration) {
                receivers.append(Sweep.Receiver(point: point, selection: receiver.selection))
            }
        }
        return Sweep.Path(receivers: receivers, holdsMLPs: path.holdsMLPs)
    }

    private func points(
        _ hook: String, _ layers: Indices?, in configuration: ModelConfiguration
    ) throws(LensError) -> [HookPoint] {
        guard !hook.hasSuffix("-") else {
            throw .invalidArgument("a point's short name ends with a letter; received '\(hook.prefix(128))'")
        }
        return try points(
            of: InterventionSpec(hook: hook, layers: layers, action: .zero), in: configuration)
    }

    // MARK: - Running

    /// Runs a sweep as it was prepared. The reply's `runID` is empty: recording is the service's.
    ///
    /// - Parameters:
    ///   - recipe: the one that the sweep was prepared for.
    ///   - maximumValues: a limit of the result's numbers below the engine's own.
    ///   - progress: called from the engine's thread with edited sequences done and all.
    /// - Throws: `INVALID_ARGUMENT` for edits, axes and metrics that do not fit the model and the prompts, and for a
    ///   sweep beyond the limits, with its predicted cost; `CANCELLED`, `DEADLINE_EXCEEDED`.
    public func sweep(
        _ sweep: Sweep, of recipe: Recipe, maximumValues: Int? = nil, control: CallControl,
        progress: @escaping @Sendable (Int, Int) -> Void
    ) async throws(LensError) -> SweepReply {
        let configuration = try passSubject(recipe).configuration
        let lengths = recipe.tokens.map(\.count)
        let grid = try grid(sweep, recipe, configuration)
        let reader = try MetricReader(sweep.metrics, lengths: lengths, configuration: configuration)
        let cost = SweepCost(grid: grid, reader: reader, configuration: configuration, lengths: lengths)
        try cost.check(maximumValues: maximumValues)
        let subject = try await subject(recipe, control: control)
        let sources = try await sources(of: sweep, control)
        let outcome = try await passes.run(
            SweepJob(subject, cost: cost, sources: sources), for: user,
            asking: subject.question("sweep") { $0.add(sweep) }, takesKept: !recomputes, control: control,
            progress: progress)
        var tokens: [[Token]] = []
        for prompt in recipe.tokens.indices { tokens.append(try subject.tokens(of: prompt)) }
        return SweepReply(
            runID: "", model: subject.name, form: recipe.model.form, fingerprint: recipe.fingerprint,
            action: sweep.edits.first?.action.name ?? "", hooks: sweep.edits.map(\.kind.shortName), axes: grid.axes,
            isPaired: sweep.isPaired, tokens: tokens, metrics: outcome.metrics)
    }

    /// Prepares and runs a sweep whose edits name no recorded run.
    public func sweep(
        _ request: SweepRequest, recipe: Recipe, control: CallControl,
        progress: @escaping @Sendable (Int, Int) -> Void
    ) async throws(LensError) -> SweepReply {
        try await sweep(
            try prepare(request.sweep, of: recipe), of: recipe, control: control, progress: progress)
    }

    private func sources(of sweep: Sweep, _ control: CallControl) async throws(LensError) -> SourceActivations {
        var subjects: [Recipe: PassSubject] = [:]
        var means: [Recipe: [HookPoint: Tensor]] = [:]
        for edit in sweep.edits {
            guard let source = edit.action.source else { continue }
            let subject = try await subject(source, control: control, depth: 2)
            subjects[source] = subject
            guard case .meanOf = edit.action else { continue }
            let found = try await self.means(of: edit.points, in: subject, control)
            means[source, default: [:]].merge(found) { first, _ in first }
        }
        return SourceActivations(sweep, subjects: subjects, means: means)
    }

    /// Everything that may be wrong with edits and axes is said here.
    private func grid(
        _ sweep: Sweep, _ recipe: Recipe, _ configuration: ModelConfiguration
    ) throws(LensError) -> SweepGrid {
        guard !recipe.interventions.contains(where: { if case .swap = $0.action { true } else { false } }) else {
            throw .invalidArgument("a sweep edits each prompt by itself: nothing can be swapped between prompts")
        }
        let lengths = recipe.tokens.map(\.count)
        let check = InterventionCheck(configuration: configuration, lengths: lengths)
        var sourceLengths: [[Int]] = []
        for edit in sweep.edits {
            guard case .patch(let source, let wanted, _) = edit.action else {
                sourceLengths.append([])
                continue
            }
            // Over the whole part: so every place's values are there.
            for point in edit.points {
                _ = try check.edit(Intervention(point: point, action: edit.action, selection: edit.selection))
            }
            sourceLengths.append(
                lengths.indices.map {
                    source.tokens[SourceActivations.prompt(of: source, wanted: wanted, for: $0)].count
                })
        }
        let grid = try SweepGrid(
            sweep, configuration: configuration, lengths: lengths, sourceLengths: sourceLengths)
        for (prompt, length) in lengths.enumerated() {
            // One place stands for all: they differ in entries only, and those are in range.
            for placed in grid.edits(of: 0, prompt: prompt) {
                let edit = sweep.edits[placed.edit]
                if case .patch = edit.action { continue }
                _ = try InterventionCheck(configuration: configuration, lengths: [length]).edit(
                    Intervention(point: placed.point, action: edit.action, selection: placed.selection))
            }
        }
        try ContradictionCheck(configuration: configuration, lengths: lengths).checkInputsAndNorms(
            recipe.interventions
                + sweep.edits.flatMap { edit in
                    edit.points.map { Intervention(point: $0, action: edit.action, selection: edit.selection) }
                })
        for receiver in sweep.path?.receivers ?? [] {
            for length in lengths {
                _ = try SelectedPart(
                    receiver.selection, of: receiver.point.kind,
                    shape: configuration.shape(of: receiver.point.kind, pos: length))
            }
        }
        return grid
    }
}
