import LensCore
import LensTensor

extension ForwardState {
    /// Computes up to a hook point, whose activation can then be read and edited.
    ///
    /// Points on demand are visited only as a target. Points that are passed over may be computed together with what
    /// follows (scores, pattern and z in one go) and are gone afterwards.
    ///
    /// - Throws: `INVALID_ARGUMENT` when the pass is already past the point, and for a point that the model does not
    ///   have; `CANCELLED`, `DEADLINE_EXCEEDED`.
    public mutating func advance(to target: HookPoint, on compute: Compute) throws(LensError) {
        guard target >= point else {
            throw .invalidArgument("the pass stands at \(point) and cannot go back to \(target)")
        }
        guard target == point || configuration.has(target.kind) else {
            throw .invalidArgument("the model has no \(target)")
        }
        while point < target { try step(towards: target, on: compute) }
    }

    private mutating func step(towards target: HookPoint, on compute: Compute) throws(LensError) {
        let layer = point.layer ?? 0
        switch point.kind {
        case .tokens: try embed(towards: target, on: compute)
        case .embedNormScale, .embedNormNormalized: try stepThroughEmbedNorm(on: compute)
        case .embed:
            if configuration.positionalEmbedding.isLearned {
                try embedPositions()
            } else {
                try beginBlocks(on: compute)
            }
        case .posEmbed: try beginBlocks(on: compute)
        case .residPre, .attnIn, .qInput, .kInput, .vInput:
            if target.layer == layer, target.kind < .ln1Scale {
                point = target
            } else if let norm = form.blocks[layer].ln1, target <= HookPoint(.ln1Normalized, layer: layer) {
                live[.ln1Scale] = try compute.scale(norm, residual)
                point = HookPoint(.ln1Scale, layer: layer)
            } else {
                try project(layer, compute.normAndEnter(form.blocks[layer].ln1, residual), on: compute)
            }
        case .ln1Scale:
            live[.ln1Normalized] = try compute.normalize(
                norm(form.blocks[layer].ln1), residual, scale: live.take(.ln1Scale))
            point = HookPoint(.ln1Normalized, layer: layer)
        case .ln1Normalized:
            try project(layer, compute.enter(form.blocks[layer].ln1, live.take(.ln1Normalized)), on: compute)
        case .q: point = HookPoint(.k, layer: layer)
        case .k: point = HookPoint(.v, layer: layer)
        case .v, .qNormScale, .qNormNormalized, .kNormScale, .kNormNormalized, .rotQ, .rotK:
            try position(layer, towards: target, on: compute)
        case .attnScores: try softmax(layer, on: compute)
        case .pattern: try mix(layer, on: compute)
        case .z:
            if target == HookPoint(.result, layer: layer) {
                try splitResult(layer, on: compute)
            } else {
                try writeAttention(layer, towards: target, on: compute)
            }
        case .result: try sumResult(layer, towards: target, on: compute)
        case .ln1PostScale, .ln1PostNormalized, .ln1OutScale, .ln1OutNormalized:
            try stepThroughNorm(of: .attnOut, layer, on: compute)
        case .attnOut:
            if configuration.has(.residMid) || configuration.attnOnly {
                residual = try compute.add(residual, live.take(.attnOut))
                point = HookPoint(configuration.attnOnly ? .residPost : .residMid, layer: layer)
            } else {
                // What the attention gives waits until the MLP, which reads what it read, has given its part.
                try beginMLP(layer, towards: target, on: compute)
            }
        case .residMid, .mlpIn: try beginMLP(layer, towards: target, on: compute)
        case .ln2Scale, .ln2Normalized, .mlpPre, .mlpPreLinear, .mlpMid, .mlpNormScale, .mlpNormNormalized, .mlpPost:
            try stepThroughMLP(layer, towards: target, on: compute)
        case .ln2PostScale, .ln2PostNormalized, .ln2OutScale, .ln2OutNormalized:
            try stepThroughNorm(of: .mlpOut, layer, on: compute)
        case .mlpOut:
            if let attnOut = live.removeValue(forKey: .attnOut) { residual = try compute.add(residual, attnOut) }
            residual = try compute.add(residual, live.take(.mlpOut))
            point = HookPoint(.residPost, layer: layer)
        case .residPost:
            if layer + 1 < configuration.nLayers {
                point = HookPoint(.residPre, layer: layer + 1)
            } else if let norm = form.lnFinal {
                live[.lnFinalScale] = try compute.scale(norm, residual)
                point = HookPoint(.lnFinalScale)
            } else {
                try unembed(residual, on: compute)
            }
        case .lnFinalScale:
            live[.lnFinalNormalized] = try compute.normalize(
                norm(form.lnFinal), residual, scale: live.take(.lnFinalScale))
            point = HookPoint(.lnFinalNormalized)
        case .lnFinalNormalized:
            try unembed(compute.enter(form.lnFinal, live.take(.lnFinalNormalized)), on: compute)
        case .logits:
            throw .invalidArgument("the pass has ended and cannot reach \(target)")
        }
    }

    private mutating func unembed(_ input: Tensor, on compute: Compute) throws(LensError) {
        live[.logits] = try compute.pool.logits(input, through: form.unembedding, control: compute.control)
        point = HookPoint(.logits)
    }

    // MARK: - Norms

    /// A norm that the pass stands in.
    ///
    /// - Throws: `INTERNAL` where the model has none, which is our mistake.
    func norm(_ norm: WeightForm.NormForm?) throws(LensError) -> WeightForm.NormForm {
        guard let norm else { throw LensError(.internal, "the model has no norm at \(point)") }
        return norm
    }

    /// What a sublayer gives, through the norm behind it where the model has one.
    ///
    /// - Parameters:
    ///   - values: `[row, dModel]`
    ///   - kind: `attn_out` or `mlp_out`.
    mutating func giveOut(
        _ values: Tensor, as kind: HookKind, _ layer: Int, towards target: HookPoint, on compute: Compute
    ) throws(LensError) {
        let (norm, scale, normalized) = outNorm(of: kind, layer)
        guard let norm, target <= HookPoint(normalized, layer: layer) else {
            live[kind] = try compute.normAndEnter(norm, values)
            point = HookPoint(kind, layer: layer)
            return
        }
        // What is normed waits under the name of what comes of it.
        live[kind] = values
        live[scale] = try compute.scale(norm, values)
        point = HookPoint(scale, layer: layer)
    }

    private mutating func stepThroughNorm(of kind: HookKind, _ layer: Int, on compute: Compute) throws(LensError) {
        let (norm, scale, normalized) = outNorm(of: kind, layer)
        if point.kind == scale {
            live[normalized] = try compute.normalize(self.norm(norm), live.take(kind), scale: live.take(scale))
            point = HookPoint(normalized, layer: layer)
        } else {
            live[kind] = try compute.enter(norm, live.take(normalized))
            point = HookPoint(kind, layer: layer)
        }
    }

    /// The norm behind attention or MLP, and its hook points.
    func outNorm(
        of kind: HookKind, _ layer: Int
    ) -> (norm: WeightForm.NormForm?, scale: HookKind, normalized: HookKind) {
        let isOnly = configuration.normPlacement == .after
        return kind == .attnOut
            ? (
                form.blocks[layer].attnOutNorm, isOnly ? .ln1OutScale : .ln1PostScale,
                isOnly ? .ln1OutNormalized : .ln1PostNormalized
            )
            : (
                form.blocks[layer].mlpOutNorm, isOnly ? .ln2OutScale : .ln2PostScale,
                isOnly ? .ln2OutNormalized : .ln2PostNormalized
            )
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
