import LensCore
import LensModel
import LensTensor

/// The edits of a pass, by the point at which they happen; at one point in the order in which they were given.
struct InterventionPlan: Sendable {
    private struct Step: Sendable {
        let intervention: Intervention
        /// What other passes brought for it.
        let sourced: SourcedValues?
        /// The edit, where it is the same for all prompts.
        let shared: Edit?
    }

    private let steps: [HookPoint: [Step]]
    /// In the order in which a pass reaches them.
    let points: [HookPoint]
    /// Whether a sequence's edits read another sequence of the run, so that all prompts must be in one pass.
    let needsAllPrompts: Bool

    /// - Parameter sourced: per intervention, what ``Engine/subject(_:control:depth:)`` found for it.
    init(_ interventions: [Intervention], sourced: [SourcedValues?] = []) {
        var steps: [HookPoint: [Step]] = [:]
        for (index, intervention) in interventions.enumerated() {
            let values = index < sourced.count ? sourced[index] : nil
            let isShared = if case .each = values { false } else { true }
            steps[intervention.point, default: []].append(
                Step(
                    intervention: intervention, sourced: values,
                    // What lacks its values says so when it is applied.
                    shared: isShared ? try? intervention.edit(for: 0, sourced: values) : nil))
        }
        self.steps = steps
        points = steps.keys.sorted()
        needsAllPrompts = interventions.contains(where: \.readsOtherPrompts)
    }

    /// Edits every sequence of a pass that stands at one of the points.
    ///
    /// - Parameters:
    ///   - sequences: the run's own where others are in the pass; all of them where it is left out.
    ///   - prompts: which prompt of the run each of these sequences is.
    func apply(
        to state: inout ForwardState, sequences: Range<Int>? = nil, prompts: [Int], control: CallControl
    ) throws(LensError) {
        for step in steps[state.point] ?? [] {
            if case .swap(let other) = step.intervention.action {
                // Only positions of the prompt are exchanged, see CausalCheck.
                if state.isContinued { continue }
                try state.swap(step.intervention, with: other, prompts: prompts, control: control)
                continue
            }
            for (sequence, prompt) in zip(sequences ?? state.tokens.indices, prompts) {
                guard step.intervention.selection.contains(prompt: prompt) else { continue }
                try control.check()
                var edit: Edit
                if let shared = step.shared {
                    edit = shared
                } else {
                    edit = try step.intervention.edit(for: prompt, sourced: step.sourced)
                }
                if state.isContinued {
                    let rows = state.positions(of: sequence)
                    guard let selection = edit.selection.continued(in: rows) else { continue }
                    edit.selection = selection
                }
                try state.apply(edit, to: sequence, control: control)
            }
        }
    }

    /// Takes a gradient that stands at one of the points back through the edits there, the last one first.
    func applyAdjoint(to state: inout BackwardState, prompts: [Int], control: CallControl) throws(LensError) {
        for step in (steps[state.point] ?? []).reversed() {
            if case .swap(let other) = step.intervention.action {
                // An exchange is its own adjoint.
                try state.swap(step.intervention, with: other, prompts: prompts, control: control)
                continue
            }
            for (sequence, prompt) in zip(state.tokens.indices, prompts) {
                guard step.intervention.selection.contains(prompt: prompt) else { continue }
                try control.check()
                var edit = step.shared
                if edit == nil { edit = try step.intervention.edit(for: prompt, sourced: step.sourced) }
                try state.edit(sequence) { (gradient, shape) throws(LensError) in
                    try edit?.applyAdjoint(to: gradient, shape: shape, control: control)
                }
            }
        }
    }
}

extension Selection {
    /// Whether a prompt of the run is edited. ``Engine/prepare(model:prompts:interventions:runs:)`` has made prompts an
    /// ascending list counted from the front.
    func contains(prompt: Int) -> Bool {
        switch prompts {
        case nil: true
        case .index(let index): index == prompt
        case .list(let list): list.containsSorted(prompt)
        case .range: false
        }
    }
}

extension [Int] {
    /// Whether an ascending list has a number.
    fileprivate func containsSorted(_ number: Int) -> Bool {
        var (low, high) = (0, count)
        while low < high {
            let middle = (low + high) / 2
            if self[middle] == number { return true }
            if self[middle] < number { low = middle + 1 } else { high = middle }
        }
        return false
    }
}

extension Intervention {
    /// Whether the edit of a prompt reads another prompt of the run.
    var readsOtherPrompts: Bool { if case .swap = action { true } else { false } }

    /// Whether what happens to a prompt depends on which of the run it is.
    var dependsOnPrompt: Bool {
        switch action {
        case .swap: true
        case .patch(let source, nil, _): selection.prompts != nil || source.tokens.count > 1
        default: selection.prompts != nil
        }
    }

    /// The edit of one prompt's activation.
    func edit(for prompt: Int, sourced: SourcedValues? = nil) throws(LensError) -> Edit {
        Edit(operation: try operation(for: prompt, sourced), selection: selection, kind: point.kind)
    }

    private func operation(for prompt: Int, _ sourced: SourcedValues?) throws(LensError) -> Edit.Operation {
        switch action {
        case .zero: return .fill(0)
        case .mask: return .fill(point.kind == .attnScores ? -.infinity : 0)
        case .mean: return .meanOverPositions
        case .scale(let factor): return .scale(factor)
        case .set(let operand): return .assign(Edit.Values(operand))
        case .add(let operand): return .add(Edit.Values(operand))
        case .project(let direction): return .project(direction.unit)
        case .meanOf, .patch:
            guard let values = sourced?.values(for: prompt) else {
                throw LensError(.internal, "the values for an edit of \(point.name) were not computed")
            }
            return .assign(values)
        case .swap: throw LensError(.internal, "a swap edits two sequences at once")
        }
    }
}

extension Operand {
    /// Divided by its length.
    fileprivate var unit: [Float] {
        let length = values.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
        return values.map { Float(Double($0) / length) }
    }
}
