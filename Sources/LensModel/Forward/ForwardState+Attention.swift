import LensCore
import LensTensor

/// The attention of one block, stage by stage.
extension ForwardState {
    func attention(_ layer: Int) -> AttentionShape {
        let c = configuration
        return AttentionShape(
            heads: c.nHeads, keyHeads: c.nHeads, dHead: c.dHead, scale: c.attnScale,
            window: c.attnTypes[layer] == .local ? c.windowSize : nil)
    }

    /// - Parameter input: the residual stream, normed as the projections take it.
    mutating func project(_ layer: Int, _ input: Tensor, on compute: Compute) throws(LensError) {
        let weights = model.weights.blocks[layer]
        let biases = form.blocks[layer]
        let shape = [rowCount, configuration.nHeads, configuration.dHead]
        let everyHead = live.removeValue(forKey: .attnIn)
        for (kind, source, weight, bias) in [
            (HookKind.q, HookKind.qInput, weights.query.matrix, biases.queryBias),
            (.k, .kInput, weights.key.matrix, biases.keyBias),
            (.v, .vInput, weights.value.matrix, biases.valueBias),
        ] {
            // An edited input of the heads goes its own way: each head norms and projects what it got.
            if let heads = live.removeValue(forKey: source) ?? everyHead {
                live[kind] = try projectHeads(heads, layer, weight, bias: bias, on: compute).reshaped(shape)
            } else {
                live[kind] = try compute.linear(input, weight, bias: bias).reshaped(shape)
            }
        }
        point = HookPoint(.q, layer: layer)
    }

    /// `[row, head, dModel]`, each head's own input, through layer norm and that head's rows of the weight.
    private func projectHeads(
        _ inputs: Tensor, _ layer: Int, _ weight: Weight, bias: Tensor?, on compute: Compute
    ) throws(LensError) -> Tensor {
        let c = configuration
        let flat = inputs.reshaped([rowCount * c.nHeads, c.dModel])
        let input = try compute.normAndEnter(form.blocks[layer].ln1, flat, c)
        var result = Tensor(uninitialized: [rowCount, c.nHeads * c.dHead])
        for head in 0..<c.nHeads {
            let own = input.everyRow(from: head, by: c.nHeads)
            let part = try compute.pool.multiply(
                own, by: weight, rows: head * c.dHead..<(head + 1) * c.dHead, bias: bias, control: compute.control)
            result.setColumns(head * c.dHead, of: part)
        }
        return result
    }

    mutating func score(_ layer: Int, on compute: Compute) throws(LensError) {
        if kept != nil {
            try scoreKept(layer, on: compute)
        } else {
            squares = try compute.pool.attentionScores(
                q: live.take(.q), k: live.take(.k), sequences: rows, shape: attention(layer), control: compute.control)
        }
        point = HookPoint(.attnScores, layer: layer)
    }

    mutating func softmax(_ layer: Int, on compute: Compute) throws(LensError) {
        if kept != nil {
            try softmaxKept(layer, on: compute)
        } else {
            squares = try compute.pool.attentionPattern(
                scores: squares, sequences: rows, shape: attention(layer), control: compute.control)
        }
        point = HookPoint(.pattern, layer: layer)
    }

    mutating func attend(_ layer: Int, on compute: Compute) throws(LensError) {
        if kept != nil {
            try attendKept(layer, on: compute)
        } else {
            live[.z] = try compute.pool.attention(
                q: live.take(.q), k: live.take(.k), v: live.take(.v), sequences: rows, shape: attention(layer),
                control: compute.control)
        }
        point = HookPoint(.z, layer: layer)
    }

    mutating func mix(_ layer: Int, on compute: Compute) throws(LensError) {
        if kept != nil {
            try mixKept(layer, on: compute)
        } else {
            live[.z] = try compute.pool.attentionMix(
                patterns: squares, v: live.take(.v), sequences: rows, shape: attention(layer),
                control: compute.control)
        }
        squares = []
        point = HookPoint(.z, layer: layer)
    }

    mutating func writeAttention(_ layer: Int, on compute: Compute) throws(LensError) {
        let z = try live.take(.z)
        live[.attnOut] = try compute.linear(
            z.reshaped([rowCount, z.rowWidth]), model.weights.blocks[layer].output.matrix, centers: form.centersWriting,
            bias: form.blocks[layer].outputBias)
        point = HookPoint(.attnOut, layer: layer)
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

    mutating func sumResult(_ layer: Int, on compute: Compute) throws(LensError) {
        let c = configuration
        var sum = try live.take(.result).reshaped([rowCount * c.nHeads, c.dModel]).sumOfRows(by: c.nHeads)
        try compute.pool.finishRows(
            &sum, centers: false, bias: form.blocks[layer].outputBias, control: compute.control)
        live[.attnOut] = sum
        point = HookPoint(.attnOut, layer: layer)
    }
}
