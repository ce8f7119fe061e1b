import LensCore
import LensTensor

/// The attention of one block, from what it wrote back to what it read.
extension BackwardState {
    /// What every head wrote was added up, so each gets the sum's gradient.
    mutating func splitResult() {
        let gradient = take(.attnOut)
        live[.result] = gradient.repeatingRows(configuration.nHeads)
            .reshaped(configuration.shape(of: .result, pos: gradient.shape[0]))
    }

    mutating func sumResult(_ layer: Int, on compute: Compute) throws(LensError) {
        let c = configuration
        var heads = take(.result).reshaped([tape.state.rowCount * c.nHeads, c.dModel])
        try compute.pool.finishRows(&heads, centers: tape.form.centersWriting, bias: nil, control: compute.control)
        live[.z] = try compute.pool.multiplyResultsBackward(
            heads.reshaped([tape.state.rowCount, c.nHeads, c.dModel]),
            through: tape.model.weights.blocks[layer].output.matrix, heads: c.nHeads, control: compute.control)
        point = HookPoint(.z, layer: layer)
    }

    /// From z to the pattern, or at once to q, k and v where nobody looks in between.
    mutating func attendBackward(_ layer: Int, on compute: Compute) throws(LensError) {
        let shape = tape.state.attention(layer)
        guard tape.seesPatterns(layer) else {
            let (q, k, v) = try compute.pool.attentionBackward(
                take(.z), q: value(.q), k: value(.k), v: value(.v), sequences: tape.rows, shape: shape,
                control: compute.control)
            live[.q] = q
            live[.k] = k
            live[.v] = v
            point = HookPoint(.v, layer: layer)
            return
        }
        guard let record else { throw LensError(.internal, "the tape's record is not of \(point)") }
        let (patterns, v) = try compute.pool.attentionMixBackward(
            take(.z), patterns: record.values.patterns, v: value(.v), sequences: tape.rows, shape: shape,
            control: compute.control)
        squares = patterns
        live[.v] = v
        point = HookPoint(.pattern, layer: layer)
    }

    /// From q, k and v to the norm before them, and where the heads have inputs of their own, to those.
    mutating func projectBackward(_ layer: Int, on compute: Compute) throws(LensError) {
        let weights = tape.model.weights.blocks[layer]
        let norm = tape.form.blocks[layer].ln1
        let everyHead = try recorded(.attnIn)
        var shared: Tensor?
        for (kind, source, weight) in [
            (HookKind.q, HookKind.qInput, weights.query.matrix), (.k, .kInput, weights.key.matrix),
            (.v, .vInput, weights.value.matrix),
        ] {
            let gradient = take(kind)
            var own = try recorded(source)
            if own == nil { own = everyHead }
            // The block's norm served those that had no input of their own.
            if own == nil { shared = try compute.linearBackward(gradient, weight, addingTo: shared) }
            if tape.splitsInputs(layer) {
                live[source] = try headsBackward(gradient, weight, norm, input: own, on: compute)
            }
        }
        if let shared { live[.ln1Normalized] = try compute.enterBackward(norm, shared) }
        point = HookPoint(.ln1Normalized, layer: layer)
    }

    /// From one projection of all heads to the inputs that each head norms for itself.
    ///
    /// - Parameter input: `[row, head, dModel]`; `nil` where it is the residual stream.
    private func headsBackward(
        _ gradient: Tensor, _ weight: Weight, _ norm: WeightForm.NormForm?, input: Tensor?, on compute: Compute
    ) throws(LensError) -> Tensor {
        let c = configuration
        let rows = tape.state.rowCount
        let x: Tensor
        if let input {
            x = input.reshaped([rows * c.nHeads, c.dModel])
        } else {
            x = try value(.residPre).repeatingRows(c.nHeads)
        }
        let normed = try compute.pool.multiplyHeadsBackward(
            gradient, through: weight, heads: c.nHeads, control: compute.control)
        let scale = try compute.layerNormScale(x, c)
        var (result, ofScale) = try compute.pool.layerNormApplyBackward(
            compute.enterBackward(norm, normed.reshaped([rows * c.nHeads, c.dModel])), x: x, scale: scale,
            control: compute.control)
        try compute.pool.layerNormScaleBackward(
            ofScale, x: x, scale: scale, addingTo: &result, control: compute.control)
        return result.reshaped([rows, c.nHeads, c.dModel])
    }

    /// Through the block's norm to the residual stream, or past it where the heads have inputs of their own.
    mutating func stepTowardsInput(_ layer: Int, on compute: Compute) throws(LensError) {
        func here(_ kind: HookKind) -> HookPoint { HookPoint(kind, layer: layer) }
        switch point.kind {
        case .ln1Normalized:
            let x = try value(.residPre)
            let (input, scale) = try compute.normApplyBackward(
                take(.ln1Normalized), x: x, scale: recorded(.ln1Scale), configuration)
            normInput = input
            live[.ln1Scale] = scale
            point = here(.ln1Scale)
        case .ln1Scale:
            let scale = take(.ln1Scale)
            defer { normInput = nil }
            if tape.splitsInputs(layer) {
                point = here(.vInput)
            } else if var input = normInput {
                try compute.normScaleBackward(scale, x: value(.residPre), configuration, addingTo: &input)
                residual = try compute.add(residual, input)
                point = here(.residPre)
            } else {
                // The pass began at the scale: only that brings a gradient.
                try compute.normScaleBackward(scale, x: value(.residPre), configuration, addingTo: &residual)
                point = here(.residPre)
            }
        case .vInput: point = here(.kInput)
        case .kInput: point = here(.qInput)
        case .qInput:
            live[.attnIn] = try compute.add(compute.add(take(.qInput), take(.kInput)), take(.vInput))
            point = here(.attnIn)
        default:
            let c = configuration
            let heads = take(.attnIn).reshaped([tape.state.rowCount * c.nHeads, c.dModel])
            residual = try compute.add(residual, heads.sumOfRows(by: c.nHeads))
            point = here(.residPre)
        }
    }
}
