import LensCore
import LensModel
import LensTensor

/// The edits of a pass, by the point at which they happen; at one point in the order in which they were given.
struct InterventionPlan: Sendable {
    private struct Step: Sendable {
        let intervention: Intervention
        /// What other passes brought for it.
        let sourced: SourcedValues?
    }

    private let steps: [HookPoint: [Step]]
    /// In the order in which a pass reaches them.
    let points: [HookPoint]
    /// Whether a sequence's edits read another sequence of the run, so that all prompts must be in one pass.
    let needsAllPrompts: Bool

    /// - Parameter sourced: per intervention, what ``Engine/sources(of:control:)`` found for it.
    init(_ interventions: [Intervention], sourced: [SourcedValues?] = []) {
        var steps: [HookPoint: [Step]] = [:]
        for (index, intervention) in interventions.enumerated() {
            steps[intervention.point, default: []].append(
                Step(intervention: intervention, sourced: index < sourced.count ? sourced[index] : nil))
        }
        self.steps = steps
        points = steps.keys.sorted()
        needsAllPrompts = interventions.contains { if case .swap = $0.action { true } else { false } }
    }

    /// Edits every sequence of a pass that stands at one of the points.
    ///
    /// - Parameter prompts: which prompt of the run each sequence is.
    func apply(to state: inout ForwardState, prompts: [Int], control: CallControl) throws(LensError) {
        for step in steps[state.point] ?? [] {
            if case .swap(let other) = step.intervention.action {
                try state.swap(step.intervention, with: other, prompts: prompts, control: control)
                continue
            }
            for (sequence, prompt) in zip(state.tokens.indices, prompts) {
                guard try step.intervention.selection.contains(prompt: prompt) else { continue }
                try control.check()
                try state.apply(try step.intervention.edit(for: prompt, sourced: step.sourced), to: sequence)
            }
        }
    }
}

extension Selection {
    /// Whether a prompt of the run is edited. Prompts are held against the run in ``Engine/prepare``, so that only
    /// those counted from the front come here.
    func contains(prompt: Int) throws(LensError) -> Bool {
        switch prompts {
        case nil: true
        case .index(let index): index == prompt
        case .list(let list): list.contains(prompt)
        case .range: throw LensError(.internal, "a range of prompts was not resolved")
        }
    }
}

extension Intervention {
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

extension Edit.Values {
    init(_ operand: Operand) {
        self.init(shape: operand.shape, tensor: Tensor(operand.values, shape: [operand.values.count]))
    }
}

extension Operand {
    /// Divided by its length.
    fileprivate var unit: [Float] {
        let length = values.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
        return values.map { Float(Double($0) / length) }
    }
}

extension ForwardState {
    /// Applies an edit to one sequence of a pass that stands at the edit's point.
    mutating func apply(_ edit: Edit, to sequence: Int) throws(LensError) {
        try self.edit(sequence) { (values, shape) throws(LensError) in try edit.apply(to: values, shape: shape) }
    }

    /// Exchanges the selected part between the chosen prompt and another.
    fileprivate mutating func swap(
        _ intervention: Intervention, with other: Int, prompts: [Int], control: CallControl
    ) throws(LensError) {
        for (sequence, prompt) in zip(tokens.indices, prompts) {
            guard prompt != other, try intervention.selection.contains(prompt: prompt) else { continue }
            guard let partner = prompts.firstIndex(of: other) else {
                throw LensError(.internal, "prompts \(prompt) and \(other) are not in one pass")
            }
            try control.check()
            let selection = intervention.selection
            let kind = intervention.point.kind
            let (mine, theirs) = (activation(of: sequence), activation(of: partner))
            let myPart = try SelectedPart(selection, of: kind, shape: mine.shape).gather(mine)
            let theirPart = try SelectedPart(selection, of: kind, shape: theirs.shape).gather(theirs)
            try apply(Edit(operation: .assign(theirPart), selection: selection, kind: kind), to: sequence)
            try apply(Edit(operation: .assign(myPart), selection: selection, kind: kind), to: partner)
        }
    }
}

extension SelectedPart {
    /// The part's values, in its own shape.
    func gather(_ activation: Tensor) -> Edit.Values {
        var part = Tensor(uninitialized: [count])
        var next = 0
        part.withMutablePointer { part in
            activation.withPointer { values in
                forEachOffset {
                    part[next] = values[$0]
                    next += 1
                }
            }
        }
        return Edit.Values(shape: droppedShape, tensor: part)
    }
}
