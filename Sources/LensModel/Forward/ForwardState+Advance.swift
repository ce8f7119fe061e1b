import LensCore
import LensTensor

extension ForwardState {
    /// Computes up to a hook point, whose activation can then be read and edited.
    ///
    /// Points on demand are visited only as a target. Points that are passed over may be computed together with what
    /// follows (scores, pattern and z in one go) and are gone afterwards.
    ///
    /// - Throws: `INVALID_ARGUMENT` when the pass is already past the point; `CANCELLED`, `DEADLINE_EXCEEDED`.
    public mutating func advance(to target: HookPoint, on compute: Compute) throws(LensError) {
        guard target >= point else {
            throw .invalidArgument("the pass stands at \(point) and cannot go back to \(target)")
        }
        while point < target { try step(towards: target, on: compute) }
    }

    private mutating func step(towards target: HookPoint, on compute: Compute) throws(LensError) {
        let layer = point.layer ?? 0
        switch point.kind {
        case .tokens: embed()
        case .embed: try embedPositions()
        case .posEmbed: try beginBlocks(on: compute)
        case .residPre, .attnIn, .qInput, .kInput, .vInput:
            if target.layer == layer, target.kind < .ln1Scale {
                point = target
            } else if target > HookPoint(.ln1Normalized, layer: layer) {
                try project(layer, compute.normAndEnter(form.blocks[layer].ln1, residual, configuration), on: compute)
            } else {
                live[.ln1Scale] = try compute.layerNormScale(residual, configuration)
                point = HookPoint(.ln1Scale, layer: layer)
            }
        case .ln1Scale:
            live[.ln1Normalized] = try compute.layerNormApply(residual, scale: live.take(.ln1Scale))
            point = HookPoint(.ln1Normalized, layer: layer)
        case .ln1Normalized:
            try project(layer, compute.enter(form.blocks[layer].ln1, live.take(.ln1Normalized)), on: compute)
        case .q: point = HookPoint(.k, layer: layer)
        case .k: point = HookPoint(.v, layer: layer)
        case .v:
            if target.layer == layer, target.kind <= .pattern {
                try score(layer, on: compute)
            } else {
                try attend(layer, on: compute)
            }
        case .attnScores:
            try softmax(layer, on: compute)
        case .pattern: try mix(layer, on: compute)
        case .z:
            if target == HookPoint(.result, layer: layer) {
                try splitResult(layer, on: compute)
            } else {
                try writeAttention(layer, on: compute)
            }
        case .result: try sumResult(layer, on: compute)
        case .attnOut:
            residual = try compute.add(residual, live.take(.attnOut))
            point = HookPoint(.residMid, layer: layer)
        case .residMid, .mlpIn:
            if target == HookPoint(.mlpIn, layer: layer) {
                point = target
            } else if target > HookPoint(.ln2Normalized, layer: layer) {
                let input = live.removeValue(forKey: .mlpIn) ?? residual
                try enterMLP(
                    layer, compute.normAndEnter(form.blocks[layer].ln2, input, configuration), on: compute)
            } else {
                live[.ln2Scale] = try compute.layerNormScale(live[.mlpIn] ?? residual, configuration)
                point = HookPoint(.ln2Scale, layer: layer)
            }
        case .ln2Scale:
            let input = live.removeValue(forKey: .mlpIn) ?? residual
            live[.ln2Normalized] = try compute.layerNormApply(input, scale: live.take(.ln2Scale))
            point = HookPoint(.ln2Normalized, layer: layer)
        case .ln2Normalized:
            try enterMLP(layer, compute.enter(form.blocks[layer].ln2, live.take(.ln2Normalized)), on: compute)
        case .mlpPre:
            var activation = try live.take(.mlpPre)
            try compute.pool.geluNew(&activation, control: compute.control)
            live[.mlpPost] = activation
            point = HookPoint(.mlpPost, layer: layer)
        case .mlpPost:
            live[.mlpOut] = try compute.linear(
                live.take(.mlpPost), model.weights.mlp(layer).output.matrix, centers: form.centersWriting,
                bias: form.blocks[layer].mlpOutBias)
            point = HookPoint(.mlpOut, layer: layer)
        case .mlpOut:
            residual = try compute.add(residual, live.take(.mlpOut))
            point = HookPoint(.residPost, layer: layer)
        case .residPost:
            if layer + 1 < configuration.nLayers {
                point = HookPoint(.residPre, layer: layer + 1)
            } else {
                live[.lnFinalScale] = try compute.layerNormScale(residual, configuration)
                point = HookPoint(.lnFinalScale)
            }
        case .lnFinalScale:
            live[.lnFinalNormalized] = try compute.layerNormApply(residual, scale: live.take(.lnFinalScale))
            point = HookPoint(.lnFinalNormalized)
        case .lnFinalNormalized:
            let input = try compute.enter(form.lnFinal, live.take(.lnFinalNormalized))
            live[.logits] = try compute.pool.logits(input, through: form.unembedding, control: compute.control)
            point = HookPoint(.logits)
        case .logits:
            throw .invalidArgument("the pass has ended and cannot reach \(target)")
        default:
            throw LensError(.internal, "the pass cannot stand at \(point)")
        }
    }

    // MARK: - Embedding

    private mutating func embed() {
        let ids = tokens.flatMap { $0 }
        live[.embed] = gather(model.weights.embed, rows: ids.map(Int.init))
        point = HookPoint(.embed)
    }

    private mutating func embedPositions() throws(LensError) {
        guard let table = model.weights.posEmbed else { throw LensError(.internal, "the model has no positions") }
        live[.posEmbed] = gather(table, rows: tokens.indices.flatMap(positions(of:)))
        point = HookPoint(.posEmbed)
    }

    private mutating func beginBlocks(on compute: Compute) throws(LensError) {
        residual = try compute.add(live.take(.embed), live.take(.posEmbed))
        point = HookPoint(.residPre, layer: 0)
    }

    /// Rows of an embedding; centred where the form centres what is written to the residual stream.
    private func gather(_ table: Tensor, rows: [Int]) -> Tensor {
        let width = table.rowWidth
        var result = Tensor(uninitialized: [rows.count, width])
        result.withMutablePointer { result in
            table.withPointer { table in
                for (index, row) in rows.enumerated() {
                    (result + index * width).update(from: table + row * width, count: width)
                }
            }
        }
        if form.centersWriting { result.centerRows() }
        return result
    }
}

// MARK: - The MLP

extension ForwardState {
    private mutating func enterMLP(_ layer: Int, _ input: Tensor, on compute: Compute) throws(LensError) {
        live[.mlpPre] = try compute.linear(
            input, model.weights.mlp(layer).input.matrix, bias: form.blocks[layer].mlpInBias)
        point = HookPoint(.mlpPre, layer: layer)
    }
}

extension [HookKind: Tensor] {
    /// Takes a live tensor out of the state: nothing needs it any more.
    ///
    /// - Throws: `INTERNAL` where the state lacks it, which is our mistake.
    mutating func take(_ kind: HookKind) throws(LensError) -> Tensor {
        guard let tensor = removeValue(forKey: kind) else {
            throw LensError(.internal, "the pass lacks \(kind.suffix)")
        }
        return tensor
    }
}
