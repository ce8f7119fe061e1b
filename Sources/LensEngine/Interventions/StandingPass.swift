import LensCore
import LensModel
import LensTensor

/// A pass, forward or backward, that stands at a point where each sequence has a value that can be read and changed.
protocol StandingPass: Sendable {
    var point: HookPoint { get }
    var tokens: [[Int32]] { get }

    /// The shape of one sequence's value.
    func shape(of sequence: Int) -> [Int]

    /// One sequence's value, without the batch.
    func value(of sequence: Int) -> Tensor

    /// Changes one sequence's value in place.
    mutating func edit(
        _ sequence: Int, _ body: (UnsafeMutableBufferPointer<Float>, [Int]) throws(LensError) -> Void
    ) throws(LensError)
}

extension ForwardState: StandingPass {
    func value(of sequence: Int) -> Tensor { activation(of: sequence) }
}

extension BackwardState: StandingPass {
    var tokens: [[Int32]] { tape.tokens }
    func shape(of sequence: Int) -> [Int] { configuration.shape(of: point.kind, pos: tokens[sequence].count) }
    func value(of sequence: Int) -> Tensor { gradient(of: sequence) }
}

extension StandingPass {
    /// Applies an edit to one sequence of a pass that stands at the edit's point.
    mutating func apply(_ edit: Edit, to sequence: Int, control: CallControl) throws(LensError) {
        try self.edit(sequence) { (values, shape) throws(LensError) in
            try edit.apply(to: values, shape: shape, control: control)
        }
    }

    /// Exchanges the selected part between the chosen prompt and another.
    mutating func swap(
        _ intervention: Intervention, with other: Int, prompts: [Int], control: CallControl
    ) throws(LensError) {
        let (selection, kind) = (intervention.selection, intervention.point.kind)
        for (sequence, prompt) in zip(tokens.indices, prompts) {
            guard prompt != other, selection.contains(prompt: prompt) else { continue }
            guard let partner = prompts.firstIndex(of: other) else {
                throw LensError(.internal, "prompts \(prompt) and \(other) are not in one pass")
            }
            let (mine, theirs) = (value(of: sequence), value(of: partner))
            let myPart = try SelectedPart(selection, of: kind, shape: mine.shape).gather(mine, control: control)
            let theirPart = try SelectedPart(selection, of: kind, shape: theirs.shape).gather(theirs, control: control)
            for (part, target) in [(theirPart, sequence), (myPart, partner)] {
                let edit = Edit(operation: .assign(part), selection: selection, kind: kind)
                try apply(edit, to: target, control: control)
            }
        }
    }
}
