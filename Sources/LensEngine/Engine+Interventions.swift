import LensCore
import LensModel

/// Edits as clients write them, held against the model and the prompts: everything that may be wrong is said here.
extension Engine {
    /// The most edits of one pass.
    static let maximumInterventions = 4096
    /// The most edits times prompts.
    private static let maximumEditedPrompts = 1 << 20
    /// The most values that the edits of one pass may touch together: about a second of work.
    static let maximumEditedValues = 5e8
    /// The most values that edits may take from other runs: they are held while the pass goes on.
    private static let maximumPatchedValues = 64e6
    /// The most other passes that the edits of one pass take values from.
    private static let maximumSources = 256

    /// - Parameters:
    ///   - lengths: tokens of each prompt of the run.
    ///   - runs: the recorded runs that edits name, by the name they use.
    func interventions(
        _ specs: [InterventionSpec], of lengths: [Int], in entry: RegisteredModel, form: ModelReference.Form,
        runs: [String: Recipe]
    ) throws(LensError) -> [Intervention] {
        let configuration = entry.model.configuration
        var edits: [Intervention] = []
        for spec in specs {
            let action = try action(spec.action, in: entry, form: form, runs: runs)
            for point in try points(of: spec, in: configuration) {
                guard edits.count < Self.maximumInterventions else {
                    throw .invalidArgument("a pass has at most \(Self.maximumInterventions) interventions")
                }
                edits.append(
                    Intervention(
                        point: point, action: action,
                        selection: try spec.selection.resolvingPrompts(of: lengths.count, for: spec.action)))
            }
        }
        try checkSizes(edits, prompts: lengths.count)
        let check = InterventionCheck(configuration: configuration, lengths: lengths)
        var (edited, patched) = (0.0, 0.0)
        for edit in edits {
            let values = try check.edit(edit)
            edited += values
            if case .patch = edit.action { patched += values }
            guard edited <= Self.maximumEditedValues else {
                throw .invalidArgument(
                    "the interventions edit more than \(Int(Self.maximumEditedValues)) values in all")
            }
            guard patched <= Self.maximumPatchedValues else {
                throw .invalidArgument(
                    "the interventions take more than \(Int(Self.maximumPatchedValues)) values from other runs: name "
                        + "fewer heads, positions or prompts")
            }
        }
        try ContradictionCheck(configuration: configuration, lengths: lengths).check(edits)
        return edits
    }

    /// What is refused by its size alone, before anything is looked at closely.
    private func checkSizes(_ edits: [Intervention], prompts: Int) throws(LensError) {
        guard edits.count <= Self.maximumEditedPrompts / max(prompts, 1) else {
            throw .invalidArgument(
                "interventions times prompts are at most \(Self.maximumEditedPrompts); received \(edits.count) times "
                    + "\(prompts)")
        }
        var size = 0
        for edit in edits {
            size += edit.size
            guard size <= Recipe.maximumSize else { throw Recipe.tooLarge }
        }
        let sources = Set(edits.compactMap(\.action.source)).count
        guard sources <= Self.maximumSources else {
            throw .invalidArgument(
                "the interventions of a pass take values from at most \(Self.maximumSources) other passes; received "
                    + "\(sources)")
        }
    }

    /// The points that a spec's name and layers mean, in the order of the layers.
    func points(
        of spec: InterventionSpec, in configuration: ModelConfiguration
    ) throws(LensError) -> [HookPoint] {
        guard let layers = spec.layers else {
            return [try HookPoint.named(spec.hook, among: configuration.hookPoints)]
        }
        var points: [HookPoint] = []
        for layer in try layers.resolved(count: configuration.nLayers, "layer") {
            points.append(try HookPoint.named(spec.hook, layer: layer, among: configuration.hookPoints))
        }
        return points
    }

    func action(
        _ action: InterventionSpec.Action, in entry: RegisteredModel, form: ModelReference.Form, runs: [String: Recipe]
    ) throws(LensError) -> Intervention.Action {
        switch action {
        case .zero: .zero
        case .mean: .mean
        case .mask: .mask
        case .scale(let factor): .scale(factor)
        case .set(let operand): .set(operand)
        case .add(let operand): .add(operand)
        case .project(let operand): .project(operand)
        case .swap(let prompt): .swap(prompt: prompt)
        case .meanOf(let source): .meanOf(try recipe(of: source, in: entry, form: form, runs: runs))
        case .patch(let source, let prompt, let positions):
            .patch(try recipe(of: source, in: entry, form: form, runs: runs), prompt: prompt, positions: positions)
        }
    }

    private func recipe(
        of source: InterventionSpec.Source, in entry: RegisteredModel, form: ModelReference.Form, runs: [String: Recipe]
    ) throws(LensError) -> Recipe {
        switch source {
        case .prompts(let prompts):
            return try prepare(
                model: ModelReference(name: entry.name, form: form), prompts: prompts, interventions: [])
        case .run(let name):
            guard var recipe = runs[name] else { throw .notFound("no run '\(name)'") }
            let wanted = ModelReference(name: entry.name, form: form)
            guard recipe.fingerprint == entry.model.fingerprint, recipe.model.form == form else {
                // The same model, but its weights have changed since: what was asked is right, the state is not.
                let code: StatusCode = recipe.model == wanted ? .failedPrecondition : .invalidArgument
                throw LensError(
                    code,
                    "run '\(name)' is of \(recipe.model) with weights \(recipe.fingerprint.prefix(12)); an edit takes "
                        + "values from a run of the same model and form: \(wanted) with weights "
                        + "\(entry.model.fingerprint.prefix(12))")
            }
            guard recipe.depth < Recipe.maximumDepth else { throw Recipe.tooDeep }
            // The name may be another by now.
            recipe.model = wanted
            return recipe
        }
    }
}

extension Selection {
    /// With the prompts as an ascending list counted from the front; a swap of two prompts needs none.
    fileprivate func resolvingPrompts(
        of count: Int, for action: InterventionSpec.Action
    ) throws(LensError) -> Selection {
        var selection = self
        if let prompts {
            selection.prompts = .list(try prompts.resolved(count: count, "prompt").sorted())
        } else if case .swap(let other) = action, count == 2, (0...1).contains(other) {
            selection.prompts = .list([1 - other])
        }
        return selection
    }
}
