import LensCore
import LensTensor

/// The attention of one block, stage by stage.
extension ForwardState {
    func attention(_ layer: Int) -> AttentionShape { model.attention(layer) }

    /// - Parameter input: the residual stream, normed as the projections take it.
    mutating func project(_ layer: Int, _ input: Tensor, on compute: Compute) throws(LensError) {
        let weights = model.weights.blocks[layer]
        let biases = form.blocks[layer]
        let everyHead = live.removeValue(forKey: .attnIn)
        // Shortformer's positions are part of what queries and keys are made from, and of nothing else.
        let positions = live[.posEmbed]
        var placed = input
        if let positions { placed = try compute.add(input, positions) }
        for (kind, source, weight, bias) in [
            (HookKind.q, HookKind.qInput, weights.query.matrix, biases.queryBias),
            (.k, .kInput, weights.key.matrix, biases.keyBias),
            (.v, .vInput, weights.value.matrix, biases.valueBias),
        ] {
            let shape = configuration.shape(of: kind, pos: rowCount)
            // An edited input of the heads goes its own way: each head norms and projects what it got.
            if let heads = live.removeValue(forKey: source) ?? everyHead {
                live[kind] = try projectHeads(
                    heads, layer, weight, bias: bias, positions: kind == .v ? nil : positions, on: compute
                ).reshaped(shape)
            } else {
                live[kind] = try compute.linear(kind == .v ? input : placed, weight, bias: bias).reshaped(shape)
            }
        }
        point = HookPoint(.q, layer: layer)
    }

    /// `[row, head, dModel]`, each head's own input, through the norm and that head's rows of the weight.
    private func projectHeads(
        _ inputs: Tensor, _ layer: Int, _ weight: Weight, bias: Tensor?, positions: Tensor?, on compute: Compute
    ) throws(LensError) -> Tensor {
        let c = configuration
        let heads = weight.outputs / c.dHead
        let flat = inputs.reshaped([rowCount * heads, c.dModel])
        var input = try compute.normAndEnter(form.blocks[layer].ln1, flat)
        if let positions { input = try compute.add(input, positions.repeatingRows(heads)) }
        var result = Tensor(uninitialized: [rowCount, weight.outputs])
        for head in 0..<heads {
            let own = input.everyRow(from: head, by: heads)
            let part = try compute.pool.multiply(
                own, by: weight, rows: head * c.dHead..<(head + 1) * c.dHead, bias: bias, control: compute.control)
            result.setColumns(head * c.dHead, of: part)
        }
        return result
    }

    // MARK: - From the projections to scores: norms, limits and turns of queries and keys

    /// Goes on from `v` to what the scores are made of, stage by stage where somebody looks, and then to the scores.
    mutating func position(_ layer: Int, towards target: HookPoint, on compute: Compute) throws(LensError) {
        let own = form.blocks[layer]
        func here(_ kind: HookKind) -> HookPoint { HookPoint(kind, layer: layer) }
        switch point.kind {
        case .v where own.queryNorm != nil:
            if target <= here(.kNormNormalized) {
                try beginNorm(.qNormScale, of: .q, own.queryNorm, layer, on: compute)
            } else {
                for (kind, norm) in [(HookKind.q, own.queryNorm), (.k, own.keyNorm)] {
                    let (rows, shape) = try normedRows(kind)
                    live[kind] = try compute.normAndEnter(norm, rows).reshaped(shape)
                }
                try turn(layer, towards: target, on: compute)
            }
        case .v: try turn(layer, towards: target, on: compute)
        case .qNormScale: try applyNorm(.qNormScale, .qNormNormalized, of: .q, own.queryNorm, layer, on: compute)
        case .qNormNormalized:
            try endNorm(.qNormNormalized, of: .q, own.queryNorm, on: compute)
            try beginNorm(.kNormScale, of: .k, own.keyNorm, layer, on: compute)
        case .kNormScale: try applyNorm(.kNormScale, .kNormNormalized, of: .k, own.keyNorm, layer, on: compute)
        case .kNormNormalized:
            try endNorm(.kNormNormalized, of: .k, own.keyNorm, on: compute)
            try turn(layer, towards: target, on: compute)
        case .rotQ: point = here(.rotK)
        default: try scoreOrAttend(layer, towards: target, on: compute)
        }
    }

    /// Queries or keys as their norm takes them, `[row, width]`, and their own shape.
    private mutating func normedRows(_ kind: HookKind) throws(LensError) -> (rows: Tensor, shape: [Int]) {
        let values = try live.take(kind)
        let width = configuration.qkNorm == .perHead ? configuration.dHead : values.rowWidth
        return (values.reshaped([values.count / width, width]), values.shape)
    }

    private mutating func beginNorm(
        _ scale: HookKind, of kind: HookKind, _ norm: WeightForm.NormForm?, _ layer: Int, on compute: Compute
    ) throws(LensError) {
        let (rows, shape) = try normedRows(kind)
        live[kind] = rows.reshaped(shape)
        live[scale] = try compute.scale(self.norm(norm), rows)
            .reshaped(configuration.shape(of: scale, pos: rowCount))
        point = HookPoint(scale, layer: layer)
    }

    private mutating func applyNorm(
        _ scale: HookKind, _ normalized: HookKind, of kind: HookKind, _ norm: WeightForm.NormForm?, _ layer: Int,
        on compute: Compute
    ) throws(LensError) {
        let (rows, _) = try normedRows(kind)
        let scale = try live.take(scale).reshaped([rows.shape[0], 1])
        live[normalized] = try compute.normalize(self.norm(norm), rows, scale: scale)
            .reshaped(configuration.shape(of: normalized, pos: rowCount))
        point = HookPoint(normalized, layer: layer)
    }

    private mutating func endNorm(
        _ normalized: HookKind, of kind: HookKind, _ norm: WeightForm.NormForm?, on compute: Compute
    ) throws(LensError) {
        let (rows, _) = try normedRows(normalized, as: kind)
        live[kind] = try compute.enter(norm, rows).reshaped(configuration.shape(of: kind, pos: rowCount))
    }

    private mutating func normedRows(
        _ normalized: HookKind, as kind: HookKind
    ) throws(LensError) -> (rows: Tensor, shape: [Int]) {
        live[kind] = try live.take(normalized)
        return try normedRows(kind)
    }

    /// Limits queries, keys and values, and turns queries and keys to their positions, where the model does either.
    private mutating func turn(_ layer: Int, towards target: HookPoint, on compute: Compute) throws(LensError) {
        if let limit = configuration.clipQKV {
            for kind in [HookKind.q, .k, .v] {
                var values = try live.take(kind)
                try compute.pool.clamp(&values, limit: limit, control: compute.control)
                live[kind] = values
            }
        }
        guard let rotary = configuration.positionalEmbedding.rotary else {
            return try scoreOrAttend(layer, towards: target, on: compute)
        }
        let turns = try turnsOfRows()
        for (kind, turned) in [(HookKind.q, HookKind.rotQ), (.k, .rotK)] {
            var values = try live.take(kind)
            try compute.pool.rotate(
                &values, by: turns, heads: values.shape[1], adjacentPairs: rotary.adjacentPairs,
                control: compute.control)
            live[turned] = values
        }
        point = HookPoint(.rotQ, layer: layer)
    }

    /// `[row, dim]`: by how much each row's pairs are turned; the same in every layer.
    mutating func turnsOfRows() throws(LensError) -> Tensor {
        if let turns { return turns }
        guard let rotary = model.rotaryTurns else { throw LensError(.internal, "the model turns no queries") }
        let turns = rotary.turns(of: tokens.indices.flatMap(positions(of:)))
        self.turns = turns
        return turns
    }

    // MARK: - Scores, pattern, z

    /// Under which names queries and keys stand when the scores are made.
    var scoredKinds: (queries: HookKind, keys: HookKind) {
        configuration.positionalEmbedding.rotary == nil ? (.q, .k) : (.rotQ, .rotK)
    }

    private mutating func scoreOrAttend(
        _ layer: Int, towards target: HookPoint, on compute: Compute
    ) throws(LensError) {
        let kinds = scoredKinds
        let keys = try keep(layer)
        if target.layer == layer, target.kind <= .pattern {
            squares = try compute.pool.attentionScores(
                q: live.take(kinds.queries), queries: rows, keys: keys, shape: attention(layer),
                control: compute.control)
            point = HookPoint(.attnScores, layer: layer)
        } else {
            live[.z] = try compute.pool.attention(
                q: live.take(kinds.queries), queries: rows, keys: keys, values: takeValues(layer),
                shape: attention(layer), control: compute.control)
            point = HookPoint(.z, layer: layer)
        }
    }

    mutating func softmax(_ layer: Int, on compute: Compute) throws(LensError) {
        squares = try compute.pool.attentionPattern(
            scores: squares, queries: rows, shape: attention(layer), control: compute.control)
        point = HookPoint(.pattern, layer: layer)
    }

    mutating func mix(_ layer: Int, on compute: Compute) throws(LensError) {
        live[.z] = try compute.pool.attentionMix(
            patterns: squares, queries: rows, values: takeValues(layer), shape: attention(layer),
            control: compute.control)
        squares = []
        point = HookPoint(.z, layer: layer)
    }

    // MARK: - What the heads write

    mutating func writeAttention(_ layer: Int, towards target: HookPoint, on compute: Compute) throws(LensError) {
        let z = try live.take(.z)
        let output = try compute.linear(
            z.reshaped([rowCount, z.rowWidth]), model.weights.blocks[layer].output.matrix,
            centers: form.centersWriting, bias: form.blocks[layer].outputBias)
        try giveOut(output, as: .attnOut, layer, towards: target, on: compute)
    }

    /// What each head writes, `[row, head, dModel]`: the sum of these and the bias is `attn_out`.
    mutating func splitResult(_ layer: Int, on compute: Compute) throws(LensError) {
        let c = configuration
        let z = try live.take(.z)
        let weight = model.weights.blocks[layer].output.matrix
        var result = Tensor(uninitialized: [rowCount * c.nHeads, c.dModel])
        // Head by head, with the other heads' z at zero: slow, exact, and only where somebody named the point.
        for head in 0..<c.nHeads {
            var own = Tensor(zeros: [rowCount, c.nHeads * c.dHead])
            own.copyColumns(head * c.dHead, count: c.dHead, from: z)
            result.setEveryRow(from: head, by: c.nHeads, to: try compute.linear(own, weight))
        }
        try compute.pool.finishRows(&result, centers: form.centersWriting, bias: nil, control: compute.control)
        live[.result] = result.reshaped([rowCount, c.nHeads, c.dModel])
        point = HookPoint(.result, layer: layer)
    }

    mutating func sumResult(_ layer: Int, towards target: HookPoint, on compute: Compute) throws(LensError) {
        let c = configuration
        var sum = try live.take(.result).reshaped([rowCount * c.nHeads, c.dModel]).sumOfRows(by: c.nHeads)
        try compute.pool.finishRows(
            &sum, centers: false, bias: form.blocks[layer].outputBias, control: compute.control)
        try giveOut(sum, as: .attnOut, layer, towards: target, on: compute)
    }
}
