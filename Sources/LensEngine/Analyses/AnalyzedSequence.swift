import LensCore
import LensModel
import LensTensor

/// One prompt's sequence of a pass that goes by, of which some positions are looked at.
struct AnalyzedSequence {
    private var pass: EditedPass
    private let sequence: Int
    private let positions: [Int]

    init(_ subject: PassSubject, prompt: Int, positions: [Int]) throws(LensError) {
        let batch = subject.batch(of: prompt)
        pass = try EditedPass(subject, prompts: batch.prompts)
        sequence = batch.sequence
        self.positions = positions
    }

    var state: ForwardState { pass.state }

    /// One prompt's whole activation, once the pass is there.
    mutating func whole(at kind: HookKind, _ layer: Int?, on compute: Compute) throws(LensError) -> Tensor {
        try pass.advance(to: HookPoint(kind, layer: layer), on: compute)
        return pass.state.activation(of: sequence)
    }

    /// `[row, width]`: the positions of an activation whose first axis these are.
    mutating func rows(at kind: HookKind, _ layer: Int?, on compute: Compute) throws(LensError) -> Tensor {
        let values = try whole(at: kind, layer, on: compute).gathering(positions)
        return values.reshaped([positions.count, values.rowWidth])
    }

    /// `[row, 1]`: a norm's divisor, of the first of some kinds that the model has; `nil` where it has none.
    mutating func scale(
        amongst kinds: [HookKind], _ layer: Int, on compute: Compute
    ) throws(LensError) -> Tensor? {
        for kind in kinds where pass.state.configuration.has(kind) {
            return try rows(at: kind, layer, on: compute)
        }
        return nil
    }

    /// `[row, dModel]`: the positions as the unembedding takes them.
    mutating func finalRows(on compute: Compute) throws(LensError) -> Tensor {
        try pass.advance(to: pass.state.configuration.pointBeforeLogits, on: compute)
        var state = pass.state
        let first = state.rowRange(of: sequence).lowerBound
        return try state.finalRows(positions.map { first + $0 }, on: compute)
    }
}
