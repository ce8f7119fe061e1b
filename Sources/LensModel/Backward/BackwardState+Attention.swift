import LensCore
import LensTensor

/// The attention of one block, from what it wrote back to what it read.
extension BackwardState {
    /// From the sum of what the heads wrote to each one's part, or at once to z.
    mutating func writeBackward(_ layer: Int, on compute: Compute) throws(LensError) {
        if tape.named.contains(HookPoint(.result, layer: layer)) {
            // What every head wrote was added up, so each gets the sum's gradient.
            let gradient = take(.attnOut)
            live[.result] = gradient.repeatingRows(configuration.nHeads)
                .reshaped(configuration.shape(of: .result, pos: gradient.shape[0]))
            point = HookPoint(.result, layer: layer)
        } else {
            let z = try compute.linearBackward(
                take(.attnOut), tape.model.weights.blocks[layer].output.matrix, centers: tape.form.centersWriting)
            live[.z] = z.reshaped(configuration.shape(of: .z, pos: z.shape[0]))
            point = HookPoint(.z, layer: layer)
        }
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

    // MARK: - Scores, pattern, z

    /// From z to the pattern, or at once to queries, keys and values where nobody looks in between.
    mutating func attendBackward(_ layer: Int, on compute: Compute) throws(LensError) {
        let shape = tape.state.attention(layer)
        let values = try limited(.v, on: compute)
        guard tape.seesPatterns(layer) else {
            let kinds = tape.state.scoredKinds
            let (q, k, v) = try compute.pool.attentionBackward(
                take(.z), q: limited(kinds.queries, on: compute), k: limited(kinds.keys, on: compute), v: values,
                sequences: tape.rows, shape: shape, control: compute.control)
            try leaveScores(layer, q: q, k: k, v: v, on: compute)
            return
        }
        let (patterns, v) = try compute.pool.attentionMixBackward(
            take(.z), patterns: blockRecord().patterns, v: values, sequences: tape.rows, shape: shape,
            control: compute.control)
        squares = patterns
        live[.v] = v
        point = HookPoint(.pattern, layer: layer)
    }

    mutating func scoreBackward(_ layer: Int, on compute: Compute) throws(LensError) {
        let kinds = tape.state.scoredKinds
        let (q, k) = try compute.pool.attentionScoresBackward(
            squares, q: limited(kinds.queries, on: compute), k: limited(kinds.keys, on: compute),
            sequences: tape.rows, shape: tape.state.attention(layer), control: compute.control)
        squares = []
        try leaveScores(layer, q: q, k: k, v: take(.v), on: compute)
    }

    /// Queries, keys or values as the scores and `z` were made of them: within `±clipQKV`, where the model holds them so.
    private func limited(_ kind: HookKind, on compute: Compute) throws(LensError) -> Tensor {
        var values = try value(kind)
        // Rotary models limit before they turn.
        guard let limit = configuration.clipQKV, [.q, .k, .v].contains(kind) else { return values }
        try compute.pool.clamp(&values, limit: limit, control: compute.control)
        return values
    }

    private mutating func leaveScores(
        _ layer: Int, q: Tensor, k: Tensor, v: Tensor, on compute: Compute
    ) throws(LensError) {
        let kinds = tape.state.scoredKinds
        live[kinds.queries] = q
        live[kinds.keys] = k
        live[.v] = v
        if kinds.keys == .rotK {
            point = HookPoint(.rotK, layer: layer)
        } else {
            try unclipped(layer, on: compute)
            point = HookPoint(.v, layer: layer)
        }
    }

    // MARK: - Turns, limits and norms of queries and keys

    mutating func positionBackward(_ layer: Int, on compute: Compute) throws(LensError) {
        let own = tape.form.blocks[layer]
        func here(_ kind: HookKind) -> HookPoint { HookPoint(kind, layer: layer) }
        switch point.kind {
        case .rotQ:
            try turnBack(on: compute)
            try unclipped(layer, on: compute)
            guard let keyNorm = own.keyNorm else {
                point = here(.v)
                return
            }
            try leaveNorm(.kNormNormalized, of: .k, keyNorm, on: compute)
            point = here(.kNormNormalized)
        case .kNormNormalized:
            try applyNormBackward(.kNormNormalized, .kNormScale, of: .k, own.keyNorm, on: compute)
            point = here(.kNormScale)
        case .kNormScale:
            try scaleNormBackward(.kNormScale, of: .k, own.keyNorm, on: compute)
            try leaveNorm(.qNormNormalized, of: .q, norm(own.queryNorm), on: compute)
            point = here(.qNormNormalized)
        case .qNormNormalized:
            try applyNormBackward(.qNormNormalized, .qNormScale, of: .q, own.queryNorm, on: compute)
            point = here(.qNormScale)
        default:
            try scaleNormBackward(.qNormScale, of: .q, own.queryNorm, on: compute)
            point = here(.v)
        }
    }

    private mutating func turnBack(on compute: Compute) throws(LensError) {
        guard let rotary = configuration.positionalEmbedding.rotary else {
            throw LensError(.internal, "the model turns no queries")
        }
        var state = tape.state
        let turns = try state.turnsOfRows()
        for (turned, kind) in [(HookKind.rotQ, HookKind.q), (.rotK, .k)] {
            var gradient = take(turned)
            try compute.pool.rotate(
                &gradient, by: turns, heads: gradient.shape[1], adjacentPairs: rotary.adjacentPairs, backwards: true,
                control: compute.control)
            live[kind] = gradient
        }
    }

    private mutating func unclipped(_ layer: Int, on compute: Compute) throws(LensError) {
        guard let limit = configuration.clipQKV else { return }
        for kind in [HookKind.q, .k, .v] {
            var gradient = take(kind)
            try compute.pool.clampBackward(&gradient, x: value(kind), limit: limit, control: compute.control)
            live[kind] = gradient
        }
    }

    /// Queries or keys as their norm took them: `[row, width]`.
    private func normRows(_ tensor: Tensor) -> Tensor {
        let width = configuration.qkNorm == .perHead ? configuration.dHead : tensor.rowWidth
        return tensor.reshaped([tensor.count / width, width])
    }

    private mutating func leaveNorm(
        _ normalized: HookKind, of kind: HookKind, _ norm: WeightForm.NormForm, on compute: Compute
    ) throws(LensError) {
        live[normalized] = try compute.enterBackward(norm, normRows(take(kind)))
            .reshaped(configuration.shape(of: normalized, pos: tape.state.rowCount))
    }

    private mutating func applyNormBackward(
        _ normalized: HookKind, _ scale: HookKind, of kind: HookKind, _ norm: WeightForm.NormForm?,
        on compute: Compute
    ) throws(LensError) {
        let input = normRows(try value(kind))
        let given = take(normalized)
        let divisor = try recorded(scale)?.reshaped([input.shape[0], 1])
        let (x, ofScale) = try compute.normApplyBackward(
            given.reshaped(input.shape), x: input, scale: divisor, self.norm(norm))
        live[kind] = x.reshaped(configuration.shape(of: kind, pos: tape.state.rowCount))
        live[scale] = ofScale.reshaped(configuration.shape(of: scale, pos: tape.state.rowCount))
    }

    private mutating func scaleNormBackward(
        _ scale: HookKind, of kind: HookKind, _ norm: WeightForm.NormForm?, on compute: Compute
    ) throws(LensError) {
        let input = normRows(try value(kind))
        var x = take(kind).reshaped(input.shape)
        try compute.normScaleBackward(
            take(scale).reshaped([input.shape[0], 1]), x: input, self.norm(norm), addingTo: &x)
        live[kind] = x.reshaped(configuration.shape(of: kind, pos: tape.state.rowCount))
    }

    // MARK: - Projections

    /// From q, k and v to the norm before them, and where the heads have inputs of their own, to those.
    mutating func projectBackward(_ layer: Int, on compute: Compute) throws(LensError) {
        let weights = tape.model.weights.blocks[layer]
        let norm = tape.form.blocks[layer].ln1
        let everyHead = try recorded(.attnIn)
        var shared: Tensor?
        // Queries and keys first: positions may have entered with them.
        for (kind, source, weight) in [
            (HookKind.q, HookKind.qInput, weights.query.matrix), (.k, .kInput, weights.key.matrix),
            (.v, .vInput, weights.value.matrix),
        ] {
            let gradient = take(kind)
            var own = try recorded(source)
            if own == nil { own = everyHead }
            if kind != .v { try addToPositions(gradient, weight, on: compute) }
            // The block's norm served those that had no input of their own.
            if own == nil { shared = try compute.linearBackward(gradient, weight, addingTo: shared) }
            if tape.splitsInputs(layer) {
                live[source] = try headsBackward(gradient, weight, norm, input: own, on: compute)
            }
        }
        if norm != nil {
            if let shared { live[.ln1Normalized] = try compute.enterBackward(norm, shared) }
            point = HookPoint(.ln1Normalized, layer: layer)
        } else if tape.splitsInputs(layer) {
            point = HookPoint(.vInput, layer: layer)
        } else {
            if let shared { residual = try compute.add(residual, shared) }
            point = HookPoint(.residPre, layer: layer)
        }
    }

    /// Shortformer's positions were added to what queries and keys are made from, in every layer.
    private mutating func addToPositions(
        _ gradient: Tensor, _ weight: Weight, on compute: Compute
    ) throws(LensError) {
        guard configuration.positionalEmbedding == .shortformer else { return }
        live[.posEmbed] = try compute.linearBackward(gradient, weight, addingTo: take(.posEmbed))
    }

    /// From one projection of all heads to the inputs that each head norms for itself.
    ///
    /// - Parameter input: `[row, head, dModel]`; `nil` where it is the residual stream.
    private func headsBackward(
        _ gradient: Tensor, _ weight: Weight, _ norm: WeightForm.NormForm?, input: Tensor?, on compute: Compute
    ) throws(LensError) -> Tensor {
        let c = configuration
        let rows = tape.state.rowCount
        let heads = weight.outputs / c.dHead
        let normed = try compute.pool.multiplyHeadsBackward(
            gradient, through: weight, heads: heads, control: compute.control)
        guard let norm else { return normed }
        var x = try value(.residPre)
        x = input?.reshaped([rows * heads, c.dModel]) ?? x.repeatingRows(heads)
        let scale = try compute.scale(norm, x)
        var (result, ofScale) = try compute.normApplyBackward(
            compute.enterBackward(norm, normed.reshaped([rows * heads, c.dModel])), x: x, scale: scale, norm)
        try compute.normScaleBackward(ofScale, x: x, norm, addingTo: &result)
        return result.reshaped([rows, heads, c.dModel])
    }

    /// Through the block's norm to the residual stream, or past it where the heads have inputs of their own.
    mutating func stepTowardsInput(_ layer: Int, on compute: Compute) throws(LensError) {
        func here(_ kind: HookKind) -> HookPoint { HookPoint(kind, layer: layer) }
        switch point.kind {
        case .ln1Normalized:
            let (input, scale) = try compute.normApplyBackward(
                take(.ln1Normalized), x: value(.residPre), scale: recorded(.ln1Scale),
                norm(tape.form.blocks[layer].ln1))
            normInput = input
            live[.ln1Scale] = scale
            point = here(.ln1Scale)
        case .ln1Scale:
            let scale = take(.ln1Scale)
            let norm = try norm(tape.form.blocks[layer].ln1)
            defer { normInput = nil }
            if tape.splitsInputs(layer) {
                point = here(.vInput)
            } else if var input = normInput {
                try compute.normScaleBackward(scale, x: value(.residPre), norm, addingTo: &input)
                residual = try compute.add(residual, input)
                point = here(.residPre)
            } else {
                // The pass began at the scale: only that brings a gradient.
                try compute.normScaleBackward(scale, x: value(.residPre), norm, addingTo: &residual)
                point = here(.residPre)
            }
        case .vInput: point = here(.kInput)
        case .kInput: point = here(.qInput)
        case .qInput where configuration.isGrouped:
            for kind in [HookKind.qInput, .kInput, .vInput] { try addHeads(take(kind), on: compute) }
            point = here(.residPre)
        case .qInput:
            live[.attnIn] = try compute.add(compute.add(take(.qInput), take(.kInput)), take(.vInput))
            point = here(.attnIn)
        default:
            try addHeads(take(.attnIn), on: compute)
            point = here(.residPre)
        }
    }

    /// Every head read the same residual stream.
    private mutating func addHeads(_ inputs: Tensor, on compute: Compute) throws(LensError) {
        let heads = inputs.shape[1]
        let flat = inputs.reshaped([inputs.shape[0] * heads, configuration.dModel])
        residual = try compute.add(residual, flat.sumOfRows(by: heads))
    }
}
