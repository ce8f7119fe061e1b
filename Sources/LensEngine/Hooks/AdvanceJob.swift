import LensCore
import LensModel

/// Takes a pass to its next stop, through the typed edits on the way, a block at a time.
final class AdvanceJob: PassJob {
    private var state: ForwardState
    private let target: HookPoint
    private let plan: InterventionPlan
    private let prompts: [Int]

    /// - Parameters:
    ///   - target: where the pass stops, with the edits of that point made; not behind where it stands.
    ///   - plan: edits behind the pass's point and up to the target are made.
    ///   - prompts: which prompt of the run each sequence is; all of them in order where it is left out.
    init(
        _ state: consuming ForwardState, to target: HookPoint, through plan: InterventionPlan, prompts: [Int]? = nil
    ) {
        self.prompts = prompts ?? Array(state.tokens.indices)
        self.state = state
        self.target = target
        self.plan = plan
    }

    var cost: PassCost {
        let layers = (target.layer ?? state.configuration.nLayers - 1) - (state.point.layer ?? 0) + 1
        let lengths = state.tokens.map(\.count)
        return PassCost(
            operations: PassCost.operations(state.configuration, lengths: lengths, layers: max(layers, 1)),
            rows: lengths.reduce(0, +), continues: state.point.kind != .tokens)
    }

    func step(on compute: Compute) throws(LensError) -> ForwardState? {
        let stop = min(target, endOfBlock)
        for point in plan.points where point > state.point && point < stop {
            try state.advance(to: point, on: compute)
            try plan.apply(to: &state, prompts: prompts, control: compute.control)
        }
        if stop > state.point {
            try state.advance(to: stop, on: compute)
            try plan.apply(to: &state, prompts: prompts, control: compute.control)
        }
        return stop == target ? state : nil
    }

    /// Where the block ends that the pass is about to compute.
    private var endOfBlock: HookPoint {
        let last = state.configuration.nLayers - 1
        switch (state.point.kind, state.point.layer) {
        case (.residPost, let layer?): return layer < last ? HookPoint(.residPost, layer: layer + 1) : target
        case (_, let layer?): return HookPoint(.residPost, layer: layer)
        case (let kind, nil) where kind < .residPre: return HookPoint(.residPost, layer: 0)
        case (_, nil): return target
        }
    }
}

/// Finishes a pass that was taken to its end in pieces.
final class FinishJob: PassJob {
    private let state: ForwardState
    private let wantsLoss: Bool
    private let topCount: Int

    init(_ state: consuming ForwardState, wantsLoss: Bool, topCount: Int) {
        self.state = state
        self.wantsLoss = wantsLoss
        self.topCount = topCount
    }

    var cost: PassCost {
        let rows = state.rowCount
        return PassCost(
            operations: PassCost.operations(state.configuration, lengths: [], readRows: wantsLoss ? rows : 0),
            rows: 0, continues: true)
    }

    func step(on compute: Compute) throws(LensError) -> RunJob.Outcome? {
        var outcome = RunJob.Outcome()
        try outcome.add(endOf: state, wantsLoss: wantsLoss, topCount: topCount, on: compute)
        return outcome
    }
}
