import LensCore
import LensTensor

/// The MLP of one block, stage by stage.
extension ForwardState {
    /// The MLP begins: its own input, its norm, or both at once with its first matrices.
    mutating func beginMLP(_ layer: Int, towards target: HookPoint, on compute: Compute) throws(LensError) {
        if target == HookPoint(.mlpIn, layer: layer) {
            point = target
        } else if let norm = form.blocks[layer].ln2, target <= HookPoint(.ln2Normalized, layer: layer) {
            live[.ln2Scale] = try compute.scale(norm, live[.mlpIn] ?? residual)
            point = HookPoint(.ln2Scale, layer: layer)
        } else {
            let input = live.removeValue(forKey: .mlpIn) ?? residual
            try enterMLP(layer, compute.normAndEnter(form.blocks[layer].ln2, input), on: compute)
        }
    }

    mutating func stepThroughMLP(_ layer: Int, towards target: HookPoint, on compute: Compute) throws(LensError) {
        let own = form.blocks[layer]
        func here(_ kind: HookKind) -> HookPoint { HookPoint(kind, layer: layer) }
        switch point.kind {
        case .ln2Scale:
            let input = live.removeValue(forKey: .mlpIn) ?? residual
            live[.ln2Normalized] = try compute.normalize(norm(own.ln2), input, scale: live.take(.ln2Scale))
            point = here(.ln2Normalized)
        case .ln2Normalized: try enterMLP(layer, compute.enter(own.ln2, live.take(.ln2Normalized)), on: compute)
        case .mlpPre where configuration.gatedMLP: point = here(.mlpPreLinear)
        case .mlpPre, .mlpPreLinear:
            var activation = try live.take(.mlpPre)
            try compute.pool.activate(&activation, configuration.actFn, control: compute.control)
            if configuration.gatedMLP {
                activation = try compute.pool.multiplyAdd(
                    activation, live.take(.mlpPreLinear), bias: model.weights.mlp(layer).postBias,
                    control: compute.control)
            }
            live[own.mlpNorm == nil ? .mlpPost : .mlpMid] = activation
            point = here(own.mlpNorm == nil ? .mlpPost : .mlpMid)
        case .mlpMid:
            live[.mlpNormScale] = try compute.scale(norm(own.mlpNorm), live[.mlpMid] ?? residual)
            point = here(.mlpNormScale)
        case .mlpNormScale:
            live[.mlpNormNormalized] = try compute.normalize(
                norm(own.mlpNorm), live.take(.mlpMid), scale: live.take(.mlpNormScale))
            point = here(.mlpNormNormalized)
        case .mlpNormNormalized:
            let normalized = try live.take(.mlpNormNormalized)
            live[.mlpPost] = form.foldsMLPNorm ? normalized : try compute.enter(own.mlpNorm, normalized)
            point = here(.mlpPost)
        default:
            var input = try live.take(.mlpPost)
            if form.foldsMLPNorm { input = try compute.enter(own.mlpNorm, input) }
            let output = try compute.linear(
                input, model.weights.mlp(layer).output.matrix, centers: form.centersWriting, bias: own.mlpOutBias)
            try giveOut(output, as: .mlpOut, layer, towards: target, on: compute)
        }
    }

    private mutating func enterMLP(_ layer: Int, _ input: Tensor, on compute: Compute) throws(LensError) {
        let weights = try model.weights.mlp(layer)
        let own = form.blocks[layer]
        let linear = try compute.linear(input, weights.input.matrix, bias: own.mlpInBias)
        if let gate = weights.gate {
            live[.mlpPre] = try compute.linear(input, gate.matrix, bias: own.gateBias)
            live[.mlpPreLinear] = linear
        } else {
            live[.mlpPre] = linear
        }
        point = HookPoint(.mlpPre, layer: layer)
    }
}
