import LensCore
import LensModel

/// Recipes that are asked again: from another model's run, or from a file that anybody may have written.
///
/// They go the way of new requests, so that nothing reaches a pass that was not held against its model.
extension Engine {
    /// A recipe as if it were asked now of a model.
    ///
    /// - Throws: as ``prepare(model:prompts:interventions:runs:)``.
    public func prepare(_ recipe: Recipe, on model: ModelReference) throws(LensError) -> Recipe {
        guard recipe.depth <= Recipe.maximumDepth else { throw Recipe.tooDeep }
        guard recipe.size <= Recipe.maximumSize else { throw Recipe.tooLarge }
        var sources: [String: Recipe] = [:]
        var specs: [InterventionSpec] = []
        for edit in recipe.interventions {
            specs.append(
                InterventionSpec(
                    hook: edit.point.name, action: try asked(edit.action, on: model, &sources),
                    selection: edit.selection))
        }
        return try prepare(
            model: model, prompts: recipe.tokens.map(Prompt.tokens), interventions: specs, runs: sources)
    }

    /// A sweep as if it were asked now of a recipe's model.
    ///
    /// - Throws: as ``prepare(_:of:runs:)``.
    public func prepare(_ sweep: Sweep, of recipe: Recipe) throws(LensError) -> Sweep {
        let entry = try models.model(for: recipe.model)
        let points = Set(entry.model.configuration.hookPoints)
        var sources: [String: Recipe] = [:]
        var actions: [InterventionSpec] = []
        for edit in sweep.edits {
            guard edit.kind.isPerLayer == !edit.layers.isEmpty, edit.points.allSatisfy(points.contains) else {
                throw .invalidArgument("the sweep edits \(edit.kind.uniqueName) where model '\(entry.name)' has none")
            }
            actions.append(
                InterventionSpec(
                    hook: edit.points.first?.name ?? "",
                    action: try asked(edit.action, on: recipe.model, &sources), selection: edit.selection))
        }
        for receiver in sweep.path?.receivers ?? [] where !points.contains(receiver.point) {
            throw .invalidArgument("the path ends at \(receiver.point.name), which model '\(entry.name)' does not have")
        }
        guard sweep.path?.receivers.count ?? 0 <= 1024 else {
            throw .invalidArgument("a path ends at no more than 1024 receivers")
        }
        // What actions and selections there may be is said there; the points were looked at here.
        let checked = try prepare(SweepSpec(edits: actions, axes: []), of: recipe, runs: sources)
        var edits: [Sweep.Edit] = []
        for (edit, checked) in zip(sweep.edits, checked.edits) {
            edits.append(
                Sweep.Edit(kind: edit.kind, layers: edit.layers, action: checked.action, selection: edit.selection))
        }
        guard edits.count == sweep.edits.count else {
            throw .invalidArgument("the sweep has edits that model '\(entry.name)' does not know")
        }
        return Sweep(
            edits: edits, axes: sweep.axes, isPaired: sweep.isPaired, metrics: sweep.metrics, path: sweep.path)
    }

    /// An action as a client would write it; the passes that it takes values from get names, and are asked first.
    private func asked(
        _ action: Intervention.Action, on model: ModelReference, _ sources: inout [String: Recipe]
    ) throws(LensError) -> InterventionSpec.Action {
        func name(_ source: Recipe) throws(LensError) -> InterventionSpec.Source {
            let name = String(sources.count)
            sources[name] = try prepare(source, on: model)
            return .run(name)
        }
        switch action {
        case .zero: return .zero
        case .mean: return .mean
        case .mask: return .mask
        case .scale(let factor): return .scale(factor)
        case .set(let operand): return .set(operand)
        case .add(let operand): return .add(operand)
        case .project(let operand): return .project(operand)
        case .swap(let prompt): return .swap(prompt: prompt)
        case .meanOf(let source): return .meanOf(try name(source))
        case .patch(let source, let prompt, let positions):
            return .patch(try name(source), prompt: prompt, positions: positions)
        }
    }
}
