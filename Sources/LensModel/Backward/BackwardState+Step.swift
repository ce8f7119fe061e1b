import LensCore
import LensTensor

/// The stages of `ForwardState.advance`, the other way round.
extension BackwardState {
    mutating func step(on compute: Compute) throws(LensError) {
        let layer = point.layer ?? 0
        func here(_ kind: HookKind) -> HookPoint { HookPoint(kind, layer: layer) }
        switch point.kind {
        case .logits:
            let input = try compute.pool.logitsBackward(
                take(.logits), through: tape.form.unembedding, control: compute.control)
            live[.lnFinalNormalized] = try compute.enterBackward(tape.form.lnFinal, input)
            point = HookPoint(.lnFinalNormalized)
        case .lnFinalNormalized:
            let input = try finalStream()
            let (x, scale) = try compute.normApplyBackward(
                take(.lnFinalNormalized), x: input, scale: tape.finalScale, configuration)
            residual = x
            live[.lnFinalScale] = scale
            point = HookPoint(.lnFinalScale)
        case .lnFinalScale:
            let input = try finalStream()
            try compute.normScaleBackward(take(.lnFinalScale), x: input, configuration, addingTo: &residual)
            try enterBlock(configuration.nLayers - 1, on: compute)
        case .residPost:
            live[.mlpOut] = residual
            point = here(.mlpOut)
        case .mlpOut:
            live[.mlpPost] = try compute.linearBackward(
                take(.mlpOut), tape.model.weights.mlp(layer).output.matrix, centers: tape.form.centersWriting)
            point = here(.mlpPost)
        case .mlpPost:
            live[.mlpPre] = try compute.pool.geluNewBackward(
                take(.mlpPost), x: value(.mlpPre), control: compute.control)
            point = here(.mlpPre)
        case .mlpPre:
            let input = try compute.linearBackward(take(.mlpPre), tape.model.weights.mlp(layer).input.matrix)
            live[.ln2Normalized] = try compute.enterBackward(tape.form.blocks[layer].ln2, input)
            point = here(.ln2Normalized)
        case .ln2Normalized:
            let input = try mlpInput()
            let (x, scale) = try compute.normApplyBackward(
                take(.ln2Normalized), x: input, scale: recorded(.ln2Scale), configuration)
            live[.mlpIn] = x
            live[.ln2Scale] = scale
            point = here(.ln2Scale)
        case .ln2Scale:
            var input = take(.mlpIn)
            try compute.normScaleBackward(take(.ln2Scale), x: mlpInput(), configuration, addingTo: &input)
            live[.mlpIn] = input
            if tape.named.contains(here(.mlpIn)) {
                point = here(.mlpIn)
            } else {
                try enterMiddle(layer, on: compute)
            }
        case .mlpIn: try enterMiddle(layer, on: compute)
        case .residMid:
            live[.attnOut] = residual
            point = here(.attnOut)
        case .attnOut:
            if tape.named.contains(here(.result)) {
                splitResult()
                point = here(.result)
            } else {
                let z = try compute.linearBackward(
                    take(.attnOut), tape.model.weights.blocks[layer].output.matrix, centers: tape.form.centersWriting)
                live[.z] = z.reshaped(configuration.shape(of: .z, pos: z.shape[0]))
                point = here(.z)
            }
        case .result: try sumResult(layer, on: compute)
        case .z: try attendBackward(layer, on: compute)
        case .pattern:
            let softmax = try blockRecord().softmax
            squares = try compute.pool.attentionPatternBackward(
                squares, patterns: softmax, sequences: tape.rows, shape: tape.state.attention(layer),
                control: compute.control)
            point = here(.attnScores)
        case .attnScores:
            let (q, k) = try compute.pool.attentionScoresBackward(
                squares, q: value(.q), k: value(.k), sequences: tape.rows, shape: tape.state.attention(layer),
                control: compute.control)
            live[.q] = q
            live[.k] = k
            squares = []
            point = here(.v)
        case .v: point = here(.k)
        case .k: point = here(.q)
        case .q: try projectBackward(layer, on: compute)
        case .ln1Normalized, .ln1Scale, .vInput, .kInput, .qInput, .attnIn: try stepTowardsInput(layer, on: compute)
        case .residPre:
            record = nil
            if layer > 0 {
                try enterBlock(layer - 1, on: compute)
            } else {
                live[.posEmbed] = residual
                live[.embed] = residual
                point = HookPoint(.posEmbed)
            }
        case .posEmbed: point = HookPoint(.embed)
        case .embed, .tokens:
            throw .invalidArgument("token ids have no gradient")
        default:
            throw LensError(.internal, "the backward pass cannot stand at \(point)")
        }
    }

    private mutating func enterBlock(_ layer: Int, on compute: Compute) throws(LensError) {
        record = (layer, try tape.record(ofBlock: layer, on: compute))
        live = [:]
        point = HookPoint(.residPost, layer: layer)
    }

    private mutating func enterMiddle(_ layer: Int, on compute: Compute) throws(LensError) {
        residual = try compute.add(residual, take(.mlpIn))
        point = HookPoint(.residMid, layer: layer)
    }

    // MARK: - The tape

    private func blockRecord() throws(LensError) -> BlockRecord {
        guard let record, record.layer == point.layer else {
            throw LensError(.internal, "the tape's record is not of \(point)")
        }
        return record.values
    }

    func value(_ kind: HookKind) throws(LensError) -> Tensor { try blockRecord().value(kind) }

    func recorded(_ kind: HookKind) throws(LensError) -> Tensor? { try blockRecord()[kind] }

    private func mlpInput() throws(LensError) -> Tensor {
        if let edited = try recorded(.mlpIn) { return edited }
        return try value(.residMid)
    }

    private func finalStream() throws(LensError) -> Tensor {
        guard let stream = tape.finalStream else { throw LensError(.internal, "the tape has no end") }
        return stream
    }
}

extension Compute {
    /// Of ``enter(_:_:)``.
    func enterBackward(_ norm: WeightForm.NormForm?, _ gradient: Tensor) throws(LensError) -> Tensor {
        guard let norm else { return gradient }
        return try pool.scaleShiftBackward(gradient, centers: norm.centers, weight: norm.weight, control: control)
    }

    /// Of ``layerNormApply(_:scale:)``: with respect to `x`, through the numerator alone, and to the scale.
    ///
    /// - Parameter scale: what was divided by where that was edited; `nil` where it is the norm's own.
    func normApplyBackward(
        _ gradient: Tensor, x: Tensor, scale: Tensor?, _ configuration: ModelConfiguration
    ) throws(LensError) -> (x: Tensor, scale: Tensor) {
        var divisor = scale
        if divisor == nil { divisor = try layerNormScale(x, configuration) }
        guard let divisor else { throw LensError(.internal, "a norm has no scale") }
        return try pool.layerNormApplyBackward(gradient, x: x, scale: divisor, control: control)
    }

    /// Of ``layerNormScale(_:_:)``.
    func normScaleBackward(
        _ gradient: Tensor, x: Tensor, _ configuration: ModelConfiguration, addingTo target: inout Tensor
    ) throws(LensError) {
        try pool.layerNormScaleBackward(
            gradient, x: x, scale: layerNormScale(x, configuration), addingTo: &target, control: control)
    }

    /// Of ``linear(_:_:centers:bias:)``.
    func linearBackward(
        _ gradient: Tensor, _ weight: Weight, centers: Bool = false, addingTo sum: Tensor? = nil
    ) throws(LensError) -> Tensor {
        var gradient = gradient
        // Centring is symmetric.
        try pool.finishRows(&gradient, centers: centers, bias: nil, control: control)
        return try pool.multiplyBackward(gradient, through: weight, addingTo: sum, control: control)
    }
}
