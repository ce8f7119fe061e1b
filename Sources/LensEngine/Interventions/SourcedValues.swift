import LensCore
import LensModel
import LensTensor

/// What another pass brings for an edit: one set of values for all prompts, or one for each.
enum SourcedValues: Sendable {
    case all(Edit.Values)
    case each([Int: Edit.Values])

    func values(for prompt: Int) -> Edit.Values? {
        switch self {
        case .all(let values): values
        case .each(let values): values[prompt]
        }
    }
}

extension Engine {
    /// A recipe that is ready to run: the passes that its edits take values from are computed, or were at hand.
    func subject(_ recipe: Recipe, control: CallControl, depth: Int = 0) async throws(LensError) -> PassSubject {
        var subject = try PassSubject(recipe, in: models)
        guard depth <= Recipe.maximumDepth else {
            throw .invalidArgument("passes that edits take values from lie more than \(Recipe.maximumDepth) deep")
        }
        var sourced: [SourcedValues?] = []
        for intervention in recipe.interventions {
            switch intervention.action {
            case .meanOf(let source):
                sourced.append(.all(try await mean(of: source, for: intervention, control, depth: depth + 1)))
            case .patch(let source, let prompt, let positions):
                sourced.append(
                    .each(
                        try await patches(
                            of: source, prompt: prompt, positions: positions, for: intervention, in: recipe, control,
                            depth: depth + 1)))
            default: sourced.append(nil)
            }
        }
        subject.plan = InterventionPlan(recipe.interventions, sourced: sourced)
        return subject
    }

    /// The mean over all positions of all prompts of a pass, in the selected part's shape at one position.
    private func mean(
        of source: Recipe, for intervention: Intervention, _ control: CallControl, depth: Int
    ) async throws(LensError) -> Edit.Values {
        let kind = intervention.point.kind
        let subject = try await subject(source, control: control, depth: depth)
        var totals: [Double] = []
        var positions = 0
        var shape: [Int] = []
        for prompt in source.tokens.indices {
            let tensor = try await activation(intervention.point, of: prompt, in: subject, control: control)
            for position in 0..<source.tokens[prompt].count {
                let row = try SelectedPart(intervention.selection.at(position: position), of: kind, shape: tensor.shape)
                    .gather(tensor)
                if totals.isEmpty { totals = Array(repeating: 0, count: row.tensor.count) }
                row.tensor.withPointer { values in
                    for index in totals.indices { totals[index] += Double(values[index]) }
                }
                shape = row.shape
            }
            positions += source.tokens[prompt].count
        }
        // One position's values for every selected position: the axis is there, with a single entry.
        if let axis = kind.axes.firstIndex(of: .pos), intervention.selection.positions?.isDropped != true {
            let before = kind.axes[..<axis].filter { intervention.selection[$0]?.isDropped != true }.count
            shape.insert(1, at: min(before, shape.count))
        }
        let means = totals.map { Float($0 / Double(max(positions, 1))) }
        return Edit.Values(shape: shape, tensor: Tensor(means, shape: [means.count]))
    }

    /// Per prompt of the run, the selected part of the other pass's activation.
    private func patches(
        of source: Recipe, prompt wanted: Int?, positions: Indices?, for intervention: Intervention, in recipe: Recipe,
        _ control: CallControl, depth: Int
    ) async throws(LensError) -> [Int: Edit.Values] {
        let subject = try await subject(source, control: control, depth: depth)
        var selection = intervention.selection
        if let positions { selection.positions = positions }
        var found: [Int: Edit.Values] = [:]
        for prompt in recipe.tokens.indices where try intervention.selection.contains(prompt: prompt) {
            let other = wanted ?? (source.tokens.count == 1 ? 0 : prompt)
            let tensor = try await activation(intervention.point, of: other, in: subject, control: control)
            found[prompt] = try SelectedPart(selection, of: intervention.point.kind, shape: tensor.shape).gather(tensor)
        }
        return found
    }
}
