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
    /// Bytes of another pass's activations that are held at once, beside the cache; a single one may be larger.
    private static let sourceBytes = 128 << 20

    /// A recipe that is ready to run: the passes that its edits take values from are computed, or were at hand.
    func subject(_ recipe: Recipe, control: CallControl, depth: Int = 1) async throws(LensError) -> PassSubject {
        var subject = try passSubject(recipe)
        guard depth <= Recipe.maximumDepth else { throw Recipe.tooDeep }
        // Edits that take from the same pass share it.
        var bySource: [Recipe: [Int]] = [:]
        for (index, intervention) in recipe.interventions.enumerated() {
            if let source = intervention.action.source { bySource[source, default: []].append(index) }
        }
        guard !bySource.isEmpty else { return subject }
        var sourced = [SourcedValues?](repeating: nil, count: recipe.interventions.count)
        for (source, indices) in bySource {
            let other = try await self.subject(source, control: control, depth: depth + 1)
            try await bringMeans(from: other, for: indices, of: recipe, into: &sourced, control)
            try await bringPatches(from: other, for: indices, of: recipe, into: &sourced, control)
        }
        subject.plan = InterventionPlan(recipe.interventions, sourced: sourced)
        return subject
    }

    // MARK: - Means

    private func bringMeans(
        from other: PassSubject, for indices: [Int], of recipe: Recipe, into sourced: inout [SourcedValues?],
        _ control: CallControl
    ) async throws(LensError) {
        let edits = indices.map { ($0, recipe.interventions[$0]) }
            .filter { if case .meanOf = $1.action { true } else { false } }
        guard !edits.isEmpty else { return }
        let means = try await means(of: edits.map(\.1.point), in: other, control)
        for (index, edit) in edits {
            guard let mean = means[edit.point] else {
                throw LensError(.internal, "the means of \(edit.point.name) were not computed")
            }
            // One position's values for every selected position: the axis, where it is there, has a single entry.
            var selection = edit.selection
            selection.positions = edit.selection.positions?.isDropped == true ? .index(0) : nil
            let part = try SelectedPart(selection, of: edit.point.kind, shape: mean.shape)
            sourced[index] = .all(try part.gather(mean, control: control))
        }
    }

    /// The means over all positions of all prompts of a pass, each in the shape of an activation of one token.
    func means(
        of points: [HookPoint], in other: PassSubject, _ control: CallControl
    ) async throws(LensError) -> [HookPoint: Tensor] {
        var means: [HookPoint: Tensor] = [:]
        for point in points { means[point] = cache.tensor(for: other.meanCacheKey(point: point), user: user) }
        let missing = Set(points).subtracting(means.keys).sorted()
        guard !missing.isEmpty else { return means }
        let computed = try await passes.run(
            MeansJob(other, points: missing), for: user,
            asking: other.question("means") { $0.add(missing.map(\.name)) },
            control: control)
        for (point, mean) in zip(missing, computed) {
            cache.insert(mean, for: other.meanCacheKey(point: point), users: [user])
            means[point] = mean
        }
        return means
    }

    // MARK: - Patches

    private func bringPatches(
        from other: PassSubject, for indices: [Int], of recipe: Recipe, into sourced: inout [SourcedValues?],
        _ control: CallControl
    ) async throws(LensError) {
        var found: [Int: [Int: Edit.Values]] = [:]
        // Per prompt of the other pass: the edits that take from it, and for which prompts of this one.
        var wanted: [Int: [(edit: Int, prompt: Int)]] = [:]
        for index in indices {
            guard case .patch(let source, let chosen, _) = recipe.interventions[index].action else { continue }
            found[index] = [:]
            for prompt in recipe.tokens.indices
            where recipe.interventions[index].selection.contains(prompt: prompt) {
                let from = chosen ?? (source.tokens.count == 1 ? 0 : prompt)
                wanted[from, default: []].append((index, prompt))
            }
        }
        for (from, takers) in wanted.sorted(by: { $0.key < $1.key }) {
            let points = Set(takers.map { recipe.interventions[$0.edit].point }).sorted()
            for group in other.groups(points, prompt: from, bytes: Self.sourceBytes) {
                let activations = try await activations(group, of: from, in: other, control: control)
                for (index, prompt) in takers {
                    try control.check()
                    let edit = recipe.interventions[index]
                    guard let activation = activations[edit.point] else { continue }
                    var selection = edit.selection
                    if case .patch(_, _, let positions?) = edit.action { selection.positions = positions }
                    found[index]?[prompt] = try SelectedPart(selection, of: edit.point.kind, shape: activation.shape)
                        .gather(activation, control: control)
                }
            }
        }
        for (index, values) in found { sourced[index] = .each(values) }
    }
}

extension PassSubject {
    /// Points in groups whose activations take about so many bytes.
    fileprivate func groups(_ points: [HookPoint], prompt: Int, bytes limit: Int) -> [[HookPoint]] {
        var groups: [[HookPoint]] = []
        var filled = 0
        for point in points {
            let bytes = 4 * shape(of: point.kind, prompt: prompt).reduce(1, *)
            if groups.isEmpty || filled + bytes > limit {
                groups.append([])
                filled = 0
            }
            groups[groups.count - 1].append(point)
            filled += bytes
        }
        return groups
    }
}
