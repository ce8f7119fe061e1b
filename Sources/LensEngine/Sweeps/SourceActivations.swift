import LensCore
import LensModel
import LensTensor

/// What the edits of a sweep take from other passes: activations prompt by prompt (patches), or means over all of them.
///
/// Each pass that patches take from is run once for a group of prompts, beside the group's own pass, and is kept only at the points that
/// edits read, as long as they are still to be made.
struct SourceActivations {
    /// A pass that patches take from.
    fileprivate struct Source {
        let subject: PassSubject
        let points: [HookPoint]
        /// The pass of this group, and the points it has not come to.
        var pass: EditedPass?
        var remaining: ArraySlice<HookPoint> = []
        var found: [HookPoint: [Int: Tensor]] = [:]
    }

    private let sweep: Sweep
    private var sources: [Recipe: Source] = [:]
    private let means: [Recipe: [HookPoint: Tensor]]

    /// - Parameters:
    ///   - subjects: the passes that edits take from, ready to run.
    ///   - means: over all positions of passes, each in the shape of an activation of one token.
    init(_ sweep: Sweep, subjects: [Recipe: PassSubject], means: [Recipe: [HookPoint: Tensor]]) {
        self.sweep = sweep
        self.means = means
        for edit in sweep.edits {
            guard case .patch(let recipe, _, _) = edit.action, let subject = subjects[recipe] else { continue }
            let points = Set(sources[recipe]?.points ?? []).union(edit.points).sorted()
            sources[recipe] = Source(subject: subject, points: points)
        }
    }

    /// The prompt of the other pass that a prompt takes from.
    static func prompt(of source: Recipe, wanted: Int?, for prompt: Int) -> Int {
        wanted ?? (source.tokens.count == 1 ? 0 : prompt)
    }

    // MARK: - A group of prompts

    /// Begins with a group of prompts: passes over the prompts that they take from.
    mutating func begin(prompts: [Int]) throws(LensError) {
        for (recipe, source) in sources {
            var wanted: Set<Int> = []
            for edit in sweep.edits where edit.action.source == recipe {
                guard case .patch(_, let choice, _) = edit.action else { continue }
                for prompt in prompts { wanted.insert(Self.prompt(of: recipe, wanted: choice, for: prompt)) }
            }
            var source = source
            let batch = source.subject.plan.needsAllPrompts ? Array(recipe.tokens.indices) : wanted.sorted()
            source.pass = try EditedPass(source.subject, prompts: batch)
            source.remaining = source.points[...]
            source.found = [:]
            sources[recipe] = source
        }
    }

    /// Takes the passes to a point, keeping what they have at the points on the way.
    mutating func advance(to point: HookPoint, on compute: Compute) throws(LensError) {
        for recipe in Array(sources.keys) {
            guard var source = sources.removeValue(forKey: recipe) else { continue }
            while let next = source.remaining.first, next <= point {
                source.remaining.removeFirst()
                try source.take(next, on: compute)
            }
            sources[recipe] = source
        }
    }

    /// Lets go of what stands before a point: no edit is left that reads it.
    mutating func drop(before point: HookPoint) {
        for recipe in Array(sources.keys) {
            guard var source = sources.removeValue(forKey: recipe) else { continue }
            source.found = source.found.filter { $0.key >= point }
            sources[recipe] = source
        }
    }

    // MARK: - Edits

    /// The edit of one place, with its values at hand.
    func edit(
        _ placed: SweepGrid.PlacedEdit, prompt: Int, control: CallControl
    ) throws(LensError) -> Edit {
        let edit = sweep.edits[placed.edit]
        let intervention = Intervention(point: placed.point, action: edit.action, selection: placed.selection)
        let values: Edit.Values
        switch edit.action {
        case .patch(let recipe, let choice, _):
            let other = Self.prompt(of: recipe, wanted: choice, for: prompt)
            guard let tensor = sources[recipe]?.found[placed.point]?[other] else {
                throw LensError(.internal, "the sweep lacks what it takes from \(placed.point)")
            }
            values = try SelectedPart(placed.source, of: edit.kind, shape: tensor.shape).gather(
                tensor, control: control)
        case .meanOf(let recipe):
            guard let mean = means[recipe]?[placed.point] else {
                throw LensError(.internal, "the sweep lacks the mean of \(placed.point)")
            }
            // One position's values for every selected position: the axis, where it is there, has a single entry.
            var selection = placed.selection
            selection.positions = placed.selection.positions?.isDropped == true ? .index(0) : nil
            values = try SelectedPart(selection, of: edit.kind, shape: mean.shape).gather(mean, control: control)
        default: return try intervention.edit(for: prompt)
        }
        return Edit(operation: .assign(values), selection: placed.selection, kind: edit.kind)
    }
}

extension SourceActivations.Source {
    /// Takes the pass to a point and keeps what it has there.
    fileprivate mutating func take(_ point: HookPoint, on compute: Compute) throws(LensError) {
        guard var pass else { return }
        self.pass = nil
        try pass.advance(to: point, on: compute)
        var activations: [Int: Tensor] = [:]
        for (sequence, prompt) in pass.prompts.enumerated() {
            try compute.control.check()
            activations[prompt] = pass.state.activation(of: sequence)
        }
        found[point] = activations
        self.pass = pass
    }
}
