import LensCore
import LensTensor

/// The MLP of one block, from what it gave back to what it read.
extension BackwardState {
    mutating func stepThroughMLP(_ layer: Int, on compute: Compute) throws(LensError) {
        let own = tape.form.blocks[layer]
        func here(_ kind: HookKind) -> HookPoint { HookPoint(kind, layer: layer) }
        switch point.kind {
        case .mlpPost where own.mlpNorm != nil:
            let gradient = take(.mlpPost)
            live[.mlpNormNormalized] =
                tape.form.foldsMLPNorm ? gradient : try compute.enterBackward(own.mlpNorm, gradient)
            point = here(.mlpNormNormalized)
        case .mlpNormNormalized:
            let (x, scale) = try compute.normApplyBackward(
                take(.mlpNormNormalized), x: value(.mlpMid), scale: recorded(.mlpNormScale), norm(own.mlpNorm))
            live[.mlpMid] = x
            live[.mlpNormScale] = scale
            point = here(.mlpNormScale)
        case .mlpNormScale:
            var x = take(.mlpMid)
            try compute.normScaleBackward(
                take(.mlpNormScale), x: value(.mlpMid), norm(own.mlpNorm), addingTo: &x)
            live[.mlpMid] = x
            point = here(.mlpMid)
        case .mlpPost where configuration.gatedMLP: try gateBackward(layer, on: compute)
        case .mlpPost, .mlpMid:
            live[.mlpPre] = try compute.pool.activateBackward(
                take(point.kind), x: value(.mlpPre), configuration.actFn, control: compute.control)
            point = here(.mlpPre)
        case .mlpPreLinear: point = here(.mlpPre)
        case .mlpPre: try enterBackward(layer, on: compute)
        case .ln2Normalized:
            let (x, scale) = try compute.normApplyBackward(
                take(.ln2Normalized), x: mlpInput(), scale: recorded(.ln2Scale), norm(own.ln2))
            live[.mlpIn] = x
            live[.ln2Scale] = scale
            point = here(.ln2Scale)
        case .ln2Scale:
            var input = take(.mlpIn)
            try compute.normScaleBackward(take(.ln2Scale), x: mlpInput(), norm(own.ln2), addingTo: &input)
            live[.mlpIn] = input
            try leaveMLP(layer, on: compute)
        case .mlpIn: try enterMiddle(layer, on: compute)
        default:
            guard try !stepThroughNorm(of: .mlpOut, layer, on: compute) else { return }
            let input = try compute.linearBackward(
                take(.mlpOut), tape.model.weights.mlp(layer).output.matrix, centers: tape.form.centersWriting)
            live[.mlpPost] = tape.form.foldsMLPNorm ? try compute.enterBackward(own.mlpNorm, input) : input
            point = here(.mlpPost)
        }
    }

    /// From `post` to the two projections whose product it is.
    private mutating func gateBackward(_ layer: Int, on compute: Compute) throws(LensError) {
        let gradient = take(.mlpPost)
        let (pre, linear) = (try value(.mlpPre), try value(.mlpPreLinear))
        var activated = pre
        try compute.pool.activate(&activated, configuration.actFn, control: compute.control)
        live[.mlpPreLinear] = try compute.pool.multiplyAdd(gradient, activated, control: compute.control)
        live[.mlpPre] = try compute.pool.activateBackward(
            compute.pool.multiplyAdd(gradient, linear, control: compute.control), x: pre, configuration.actFn,
            control: compute.control)
        point = HookPoint(.mlpPreLinear, layer: layer)
    }

    /// From the first projections to the norm before them, or to the MLP's input where there is none.
    private mutating func enterBackward(_ layer: Int, on compute: Compute) throws(LensError) {
        let weights = try tape.model.weights.mlp(layer)
        var input = try compute.linearBackward(take(.mlpPre), (weights.gate ?? weights.input).matrix)
        if weights.gate != nil {
            input = try compute.linearBackward(take(.mlpPreLinear), weights.input.matrix, addingTo: input)
        }
        if let norm = tape.form.blocks[layer].ln2 {
            live[.ln2Normalized] = try compute.enterBackward(norm, input)
            point = HookPoint(.ln2Normalized, layer: layer)
        } else {
            live[.mlpIn] = input
            try leaveMLP(layer, on: compute)
        }
    }

    private mutating func leaveMLP(_ layer: Int, on compute: Compute) throws(LensError) {
        if tape.named.contains(HookPoint(.mlpIn, layer: layer)) {
            point = HookPoint(.mlpIn, layer: layer)
        } else {
            try enterMiddle(layer, on: compute)
        }
    }

    private mutating func enterMiddle(_ layer: Int, on compute: Compute) throws(LensError) {
        residual = try compute.add(residual, take(.mlpIn))
        point = HookPoint(configuration.kindBeforeMLP, layer: layer)
    }

    private func mlpInput() throws(LensError) -> Tensor {
        if let edited = try recorded(.mlpIn) { return edited }
        return try value(configuration.has(.residMid) ? .residMid : .residPre)
    }
}
