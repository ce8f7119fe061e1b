import LensCore
import LensTensor

/// Where a pass computes, and the call it computes for.
public struct Compute: Sendable {
    public let pool: ComputePool
    public let control: CallControl

    public init(pool: ComputePool, control: CallControl) {
        self.pool = pool
        self.control = control
    }
}

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
        case .embed: embedPositions()
        case .posEmbed: try beginBlocks(on: compute)
        case .residPre, .attnIn, .qInput, .kInput, .vInput:
            if target.layer == layer, target.kind < .ln1Scale {
                point = target
            } else {
                live[.ln1Scale] = try compute.layerNormScale(residual, configuration)
                point = HookPoint(.ln1Scale, layer: layer)
            }
        case .ln1Scale:
            live[.ln1Normalized] = try compute.layerNormApply(residual, scale: live.take(.ln1Scale))
            point = HookPoint(.ln1Normalized, layer: layer)
        case .ln1Normalized: try project(layer, on: compute)
        case .q: point = HookPoint(.k, layer: layer)
        case .k: point = HookPoint(.v, layer: layer)
        case .v:
            if target.layer == layer, target.kind <= .pattern {
                try score(layer, on: compute)
            } else {
                try attend(layer, on: compute)
            }
        case .attnScores:
            squares = try compute.pool.attentionPattern(
                scores: squares, sequences: rows, shape: attention(layer), control: compute.control)
            point = HookPoint(.pattern, layer: layer)
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
            } else {
                live[.ln2Scale] = try compute.layerNormScale(live[.mlpIn] ?? residual, configuration)
                point = HookPoint(.ln2Scale, layer: layer)
            }
        case .ln2Scale:
            let input = live.removeValue(forKey: .mlpIn) ?? residual
            live[.ln2Normalized] = try compute.layerNormApply(input, scale: live.take(.ln2Scale))
            point = HookPoint(.ln2Normalized, layer: layer)
        case .ln2Normalized:
            let input = try compute.enter(form.blocks[layer].ln2, live.take(.ln2Normalized))
            live[.mlpPre] = try compute.linear(
                input, model.weights.blocks[layer].mlpIn, bias: form.blocks[layer].mlpInBias)
            point = HookPoint(.mlpPre, layer: layer)
        case .mlpPre:
            var activation = try live.take(.mlpPre)
            try compute.pool.geluNew(&activation, control: compute.control)
            live[.mlpPost] = activation
            point = HookPoint(.mlpPost, layer: layer)
        case .mlpPost:
            live[.mlpOut] = try compute.linear(
                live.take(.mlpPost), model.weights.blocks[layer].mlpOut, centers: form.centersWriting,
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
        }
    }

    // MARK: - Embedding

    private mutating func embed() {
        let ids = tokens.flatMap { $0 }
        live[.embed] = gather(model.weights.embed.tensor, rows: ids.map(Int.init))
        point = HookPoint(.embed)
    }

    private mutating func embedPositions() {
        live[.posEmbed] = gather(model.weights.posEmbed, rows: tokens.flatMap { 0..<$0.count })
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

    // MARK: - Attention

    private func attention(_ layer: Int) -> AttentionShape {
        let c = configuration
        return AttentionShape(
            heads: c.nHeads, keyHeads: c.nHeads, dHead: c.dHead, scale: c.attnScale,
            window: c.attnTypes[layer] == .local ? c.windowSize : nil)
    }

    private mutating func project(_ layer: Int, on compute: Compute) throws(LensError) {
        let weights = model.weights.blocks[layer]
        let biases = form.blocks[layer]
        let input = try compute.enter(biases.ln1, live.take(.ln1Normalized))
        let shape = [rowCount, configuration.nHeads, configuration.dHead]
        let everyHead = live.removeValue(forKey: .attnIn)
        for (kind, source, weight, bias) in [
            (HookKind.q, HookKind.qInput, weights.query, biases.queryBias),
            (.k, .kInput, weights.key, biases.keyBias),
            (.v, .vInput, weights.value, biases.valueBias),
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
        let normalized = try compute.layerNormApply(flat, scale: compute.layerNormScale(flat, c))
        let input = try compute.enter(form.blocks[layer].ln1, normalized)
        var result = Tensor(uninitialized: [rowCount, c.nHeads * c.dHead])
        for head in 0..<c.nHeads {
            let own = input.everyRow(from: head, by: c.nHeads)
            let part = try compute.pool.multiply(
                own, by: weight, rows: head * c.dHead..<(head + 1) * c.dHead, control: compute.control)
            result.setColumns(head * c.dHead, of: part)
        }
        try compute.pool.finishRows(&result, centers: false, bias: bias, control: compute.control)
        return result
    }

    private mutating func score(_ layer: Int, on compute: Compute) throws(LensError) {
        squares = try compute.pool.attentionScores(
            q: live.take(.q), k: live.take(.k), sequences: rows, shape: attention(layer), control: compute.control)
        point = HookPoint(.attnScores, layer: layer)
    }

    private mutating func attend(_ layer: Int, on compute: Compute) throws(LensError) {
        live[.z] = try compute.pool.attention(
            q: live.take(.q), k: live.take(.k), v: live.take(.v), sequences: rows, shape: attention(layer),
            control: compute.control)
        point = HookPoint(.z, layer: layer)
    }

    private mutating func mix(_ layer: Int, on compute: Compute) throws(LensError) {
        live[.z] = try compute.pool.attentionMix(
            patterns: squares, v: live.take(.v), sequences: rows, shape: attention(layer), control: compute.control)
        squares = []
        point = HookPoint(.z, layer: layer)
    }

    private mutating func writeAttention(_ layer: Int, on compute: Compute) throws(LensError) {
        let z = try live.take(.z)
        live[.attnOut] = try compute.linear(
            z.reshaped([rowCount, z.rowWidth]), model.weights.blocks[layer].output, centers: form.centersWriting,
            bias: form.blocks[layer].outputBias)
        point = HookPoint(.attnOut, layer: layer)
    }

    /// What each head writes, `[row, head, dModel]`: the sum of these and the bias is `attn_out`.
    private mutating func splitResult(_ layer: Int, on compute: Compute) throws(LensError) {
        let c = configuration
        let z = try live.take(.z)
        let weight = model.weights.blocks[layer].output
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

    private mutating func sumResult(_ layer: Int, on compute: Compute) throws(LensError) {
        let c = configuration
        var sum = try live.take(.result).reshaped([rowCount * c.nHeads, c.dModel]).sumOfRows(by: c.nHeads)
        try compute.pool.finishRows(
            &sum, centers: false, bias: form.blocks[layer].outputBias, control: compute.control)
        live[.attnOut] = sum
        point = HookPoint(.attnOut, layer: layer)
    }
}

// MARK: - Composed steps

extension Compute {
    func layerNormScale(_ x: Tensor, _ configuration: ModelConfiguration) throws(LensError) -> Tensor {
        try pool.layerNormScale(x, eps: configuration.eps, control: control)
    }

    func layerNormApply(_ x: Tensor, scale: Tensor) throws(LensError) -> Tensor {
        try pool.layerNormApply(x, scale: scale, control: control)
    }

    func add(_ a: Tensor, _ b: Tensor) throws(LensError) -> Tensor {
        try pool.add(a, b, control: control)
    }

    /// A normalised row as the matrices behind the norm take it.
    func enter(_ norm: WeightForm.NormForm, _ normalized: Tensor) throws(LensError) -> Tensor {
        try pool.scaleShift(
            normalized, centers: norm.centers, weight: norm.weight, bias: norm.bias, control: control)
    }

    /// `x · Wᵀ`, minus its mean where `centers`, plus the bias.
    func linear(
        _ x: Tensor, _ weight: Weight, centers: Bool = false, bias: Tensor? = nil
    ) throws(LensError) -> Tensor {
        var result = try pool.multiply(x, by: weight, control: control)
        try pool.finishRows(&result, centers: centers, bias: bias, control: control)
        return result
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
