import LensCore
import LensModel

/// Edits as clients write them, held against the model and the prompts: everything that may be wrong is said here.
extension Engine {
    /// The most edits of one pass.
    static let maximumInterventions = 4096
    /// The most values that the edits of one pass may touch together: about a second of work.
    private static let maximumEditedValues = 5e8

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
            for point in try points(of: spec, in: configuration) {
                guard edits.count < Self.maximumInterventions else {
                    throw .invalidArgument("a pass has at most \(Self.maximumInterventions) interventions")
                }
                edits.append(
                    Intervention(
                        point: point, action: try action(spec.action, in: entry, form: form, runs: runs),
                        selection: try spec.selection.resolvingPrompts(of: lengths.count)))
            }
        }
        let check = InterventionCheck(configuration: configuration, lengths: lengths)
        var values = 0.0
        for (index, edit) in edits.enumerated() {
            values += try check.edit(edit)
            guard values <= Self.maximumEditedValues else {
                throw .invalidArgument(
                    "the interventions edit more than \(Int(Self.maximumEditedValues)) values in all")
            }
            try check.contradictions(of: edit, with: edits[..<index])
        }
        return edits
    }

    /// The points that a spec's name and layers mean, in the order of the layers.
    private func points(
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

    private func action(
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
            guard let recipe = runs[name] else { throw .notFound("no run '\(name)'") }
            guard recipe.fingerprint == entry.model.fingerprint, recipe.model.form == form else {
                throw .invalidArgument(
                    "run '\(name)' is of \(recipe.model) with weights \(recipe.fingerprint.prefix(12)); an edit takes "
                        + "values from a run of the same model, \(ModelReference(name: entry.name, form: form)) "
                        + "with weights \(entry.model.fingerprint.prefix(12))")
            }
            guard recipe.depth < Recipe.maximumDepth else {
                throw .invalidArgument(
                    "passes that edits take values from lie at most \(Recipe.maximumDepth) deep in one another")
            }
            return recipe
        }
    }
}

extension Recipe {
    /// How deep passes that its edits take values from lie in one another; 1 where there are none.
    fileprivate var depth: Int {
        1 + (interventions.compactMap { $0.action.source?.depth }.max() ?? 0)
    }
}

extension Selection {
    /// With the prompts as a list counted from the front.
    fileprivate func resolvingPrompts(of count: Int) throws(LensError) -> Selection {
        var selection = self
        if let prompts { selection.prompts = .list(try prompts.resolved(count: count, "prompt")) }
        return selection
    }
}
