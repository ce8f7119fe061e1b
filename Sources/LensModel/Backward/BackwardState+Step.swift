import LensCore
import LensTensor

/// The stages of `ForwardState.advance`, the other way round.
extension BackwardState {
    mutating func step(on compute: Compute) throws(LensError) {
        let layer = point.layer ?? 0
        func here(_ kind: HookKind) -> HookPoint { HookPoint(kind, layer: layer) }
        switch point.kind {
        case .logits: try leaveLogits(on: compute)
        case .lnFinalNormalized:
            let (x, scale) = try compute.normApplyBackward(
                take(.lnFinalNormalized), x: finalStream(), scale: tape.finalScale, norm(tape.form.lnFinal))
            residual = x
            live[.lnFinalScale] = scale
            point = HookPoint(.lnFinalScale)
        case .lnFinalScale:
            try compute.normScaleBackward(
                take(.lnFinalScale), x: finalStream(), norm(tape.form.lnFinal), addingTo: &residual)
            try enterBlock(configuration.nLayers - 1, on: compute)
        case .residPost:
            // What a parallel block's MLP brings back is no part of what the attention gave.
            if !configuration.has(.residMid) { live[.attnOut] = residual }
            if configuration.attnOnly {
                point = here(.attnOut)
            } else {
                live[.mlpOut] = residual
                point = here(.mlpOut)
            }
        case .mlpOut, .ln2PostScale, .ln2PostNormalized, .ln2OutScale, .ln2OutNormalized, .mlpPost, .mlpNormScale,
            .mlpNormNormalized, .mlpMid, .mlpPreLinear, .mlpPre, .ln2Normalized, .ln2Scale, .mlpIn:
            try stepThroughMLP(layer, on: compute)
        case .residMid:
            live[.attnOut] = residual
            point = here(.attnOut)
        case .attnOut, .ln1PostNormalized, .ln1OutNormalized, .ln1PostScale, .ln1OutScale:
            if try !stepThroughNorm(of: .attnOut, layer, on: compute) { try writeBackward(layer, on: compute) }
        case .result: try sumResult(layer, on: compute)
        case .z: try attendBackward(layer, on: compute)
        case .pattern:
            let softmax = try blockRecord().softmax
            squares = try compute.pool.attentionPatternBackward(
                squares, patterns: softmax, sequences: tape.rows, shape: tape.state.attention(layer),
                control: compute.control)
            point = here(.attnScores)
        case .attnScores: try scoreBackward(layer, on: compute)
        case .rotK: point = here(.rotQ)
        case .rotQ, .kNormNormalized, .kNormScale, .qNormNormalized, .qNormScale:
            try positionBackward(layer, on: compute)
        case .v: point = here(.k)
        case .k: point = here(.q)
        case .q: try projectBackward(layer, on: compute)
        case .ln1Normalized, .ln1Scale, .vInput, .kInput, .qInput, .attnIn: try stepTowardsInput(layer, on: compute)
        case .residPre:
            record = nil
            if layer > 0 { try enterBlock(layer - 1, on: compute) } else { leaveBlocks() }
        case .posEmbed: point = HookPoint(.embed)
        case .embed where tape.form.embedNorm != nil:
            live[.embedNormNormalized] = try compute.enterBackward(tape.form.embedNorm, take(.embed))
            point = HookPoint(.embedNormNormalized)
        case .embedNormNormalized:
            // What the norm took comes from the tokens alone: its gradient leads nowhere.
            guard let embedded = tape.embedded else { throw LensError(.internal, "the tape has no beginning") }
            live[.embedNormScale] = try compute.normApplyBackward(
                take(.embedNormNormalized), x: embedded.values, scale: embedded.scale, norm(tape.form.embedNorm)
            ).scale
            point = HookPoint(.embedNormScale)
        case .embed, .embedNormScale, .tokens:
            throw .invalidArgument("token ids have no gradient")
        }
    }

    private mutating func leaveLogits(on compute: Compute) throws(LensError) {
        let unembedding = tape.form.unembedding
        // What the logits were made from is looked at where they are capped.
        var input = try finalStream()
        if unembedding.softCap != nil {
            var state = tape.state
            input = try state.finalRows(Array(0..<state.rowCount), on: compute)
        }
        let gradient = try compute.pool.logitsBackward(
            take(.logits), of: input, through: unembedding, control: compute.control)
        if tape.form.lnFinal != nil {
            live[.lnFinalNormalized] = try compute.enterBackward(tape.form.lnFinal, gradient)
            point = HookPoint(.lnFinalNormalized)
        } else {
            residual = gradient
            try enterBlock(configuration.nLayers - 1, on: compute)
        }
    }

    private mutating func enterBlock(_ layer: Int, on compute: Compute) throws(LensError) {
        record = (layer, try tape.record(ofBlock: layer, on: compute))
        // Shortformer's positions gather what every layer brings back.
        live = live.filter { $0.key == .posEmbed }
        point = HookPoint(.residPost, layer: layer)
    }

    private mutating func leaveBlocks() {
        live[.embed] = residual
        if configuration.positionalEmbedding == .standard { live[.posEmbed] = residual }
        point = HookPoint(configuration.positionalEmbedding.isLearned ? .posEmbed : .embed)
    }

    // MARK: - The norm behind a sublayer

    /// Through the norm behind attention or MLP, from what it gave to what it took.
    ///
    /// - Parameter kind: `attn_out` or `mlp_out`; afterwards it holds the gradient of what the norm took.
    /// - Returns: whether the state is still in the norm: the way back has to go on from there.
    mutating func stepThroughNorm(
        of kind: HookKind, _ layer: Int, on compute: Compute
    ) throws(LensError) -> Bool {
        let (norm, scale, normalized) = tape.state.outNorm(of: kind, layer)
        guard let norm else { return false }
        switch point.kind {
        case kind:
            live[normalized] = try compute.enterBackward(norm, take(kind))
            point = HookPoint(normalized, layer: layer)
            return true
        case normalized:
            let (x, ofScale) = try compute.normApplyBackward(
                take(normalized), x: blockRecord().input(of: scale), scale: value(scale), norm)
            live[kind] = x
            live[scale] = ofScale
            point = HookPoint(scale, layer: layer)
            return true
        default:
            var x = take(kind)
            try compute.normScaleBackward(
                take(scale), x: blockRecord().input(of: scale), norm, addingTo: &x)
            live[kind] = x
            return false
        }
    }

    // MARK: - The tape

    func blockRecord() throws(LensError) -> BlockRecord {
        guard let record, record.layer == point.layer else {
            throw LensError(.internal, "the tape's record is not of \(point)")
        }
        return record.values
    }

    func value(_ kind: HookKind) throws(LensError) -> Tensor { try blockRecord().value(kind) }

    func recorded(_ kind: HookKind) throws(LensError) -> Tensor? { try blockRecord()[kind] }

    /// A norm that the way back stands in.
    func norm(_ norm: WeightForm.NormForm?) throws(LensError) -> WeightForm.NormForm {
        try tape.state.norm(norm)
    }

    private func finalStream() throws(LensError) -> Tensor {
        guard let stream = tape.finalStream else { throw LensError(.internal, "the tape has no end") }
        return stream
    }
}
