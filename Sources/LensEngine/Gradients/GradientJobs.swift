import LensCore
import LensModel
import LensTensor

/// Takes a pass to the end of a gradient's way there, a block at a time, and keeps what the way back needs.
final class RecordJob: PassJob {
    private var tape: ForwardTape
    let cost: PassCost

    init(_ tape: consuming ForwardTape, cost: PassCost) {
        self.tape = tape
        self.cost = cost
    }

    func step(on compute: Compute) throws(LensError) -> ForwardTape? {
        try tape.record(on: compute) ? tape : nil
    }
}

/// Begins the way back with a sum of terms; gives its value beside the state.
final class BackwardStartJob: PassJob {
    private let tape: ForwardTape
    private let terms: [PredictionTerm]
    let cost: PassCost

    init(_ tape: consuming ForwardTape, terms: [PredictionTerm], cost: PassCost) {
        self.tape = tape
        self.terms = terms
        self.cost = cost
    }

    func step(on compute: Compute) throws(LensError) -> (state: BackwardState, value: Double)? {
        var state = try BackwardState(tape, on: compute)
        let values = try state.add(terms, on: compute)
        return (state, zip(values, terms).reduce(0) { $0 + $1.0 * Double($1.1.weight) })
    }
}

/// Takes the way back to a point, a block at a time, and adds what is given there.
final class BackwardJob: PassJob {
    private var state: BackwardState
    private let target: HookPoint
    private let cotangents: [Tensor]
    let cost: PassCost

    /// - Parameter cotangents: one per sequence, or none at all.
    init(_ state: consuming BackwardState, to target: HookPoint, adding cotangents: [Tensor], cost: PassCost) {
        self.cost = cost
        self.state = state
        self.target = target
        self.cotangents = cotangents
    }

    func step(on compute: Compute) throws(LensError) -> BackwardState? {
        try state.advance(to: max(target, beginningOfBlock), on: compute)
        guard state.point == target else { return nil }
        for (sequence, cotangent) in cotangents.enumerated() { try state.add(cotangent, of: sequence) }
        return state
    }

    /// Where the next piece of work ends: the block before, or this one's beginning.
    private var beginningOfBlock: HookPoint {
        let layers = state.configuration.nLayers
        switch (state.point.kind, state.point.layer) {
        case (.residPre, let layer?): return layer > 0 ? HookPoint(.residPre, layer: layer - 1) : target
        case (_, let layer?): return HookPoint(.residPre, layer: layer)
        case (.logits, nil), (.lnFinalNormalized, nil), (.lnFinalScale, nil):
            return HookPoint(.residPost, layer: layers - 1)
        case (_, nil): return target
        }
    }
}
