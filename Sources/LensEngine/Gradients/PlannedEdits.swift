import LensCore
import LensModel
import LensTensor

/// The typed edits of a pass and behind them, at some points, what the client's own functions made of the activations.
struct PlannedEdits: PassEdits {
    private let plan: InterventionPlan
    private let prompts: [Int]
    /// One tensor per sequence, without batch.
    private let replacements: [HookPoint: [Tensor]]
    let points: [HookPoint]

    /// - Parameter prompts: which prompt of the run each sequence is.
    init(_ plan: InterventionPlan, prompts: [Int], replacements: [HookPoint: [Tensor]]) {
        self.plan = plan
        self.prompts = prompts
        self.replacements = replacements
        points = Set(plan.points).union(replacements.keys).sorted()
    }

    func apply(to state: inout ForwardState, control: CallControl) throws(LensError) {
        try plan.apply(to: &state, prompts: prompts, control: control)
        guard let replacement = replacements[state.point] else { return }
        for (sequence, tensor) in replacement.enumerated() {
            try control.check()
            try state.edit(sequence) { (values, _) in
                tensor.withPointer { _ = values.update(from: UnsafeBufferPointer(start: $0, count: values.count)) }
            }
        }
    }

    func applyAdjoint(to state: inout BackwardState, control: CallControl) throws(LensError) {
        guard replacements[state.point] == nil else {
            for sequence in state.tokens.indices {
                try state.edit(sequence) { (values, _) in values.update(repeating: 0) }
            }
            return
        }
        try plan.applyAdjoint(to: &state, prompts: prompts, control: control)
    }
}
