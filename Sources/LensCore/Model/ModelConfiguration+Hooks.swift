/// Which hook points a model has, and their shapes.
extension ModelConfiguration {
    /// Every hook point of a model of this shape, in the order in which a pass reaches them.
    public var hookPoints: [HookPoint] {
        let kinds = HookKind.allCases.filter(has)
        let block = kinds.filter(\.isPerLayer)
        let others = kinds.filter { !$0.isPerLayer }.map { HookPoint($0) }
        return others.filter { $0.isBeforeBlocks }
            + (0..<nLayers).flatMap { layer in block.map { HookPoint($0, layer: layer) } }
            + others.filter { !$0.isBeforeBlocks }
    }

    /// Whether the model has points of this kind.
    public func has(_ kind: HookKind) -> Bool {
        let hasNorms = normalizationType != .none
        return switch kind {
        case .embedNormScale, .embedNormNormalized: postEmbeddingLn
        case .posEmbed: positionalEmbedding.isLearned
        case .ln1Scale, .ln1Normalized: hasNorms && normPlacement != .after
        case .ln2Scale, .ln2Normalized: hasNorms && normPlacement != .after && !attnOnly
        case .qNormScale, .qNormNormalized, .kNormScale, .kNormNormalized: qkNorm != nil
        case .rotQ, .rotK: positionalEmbedding.rotary != nil
        case .ln1PostScale, .ln1PostNormalized: normPlacement == .beforeAndAfter
        case .ln1OutScale, .ln1OutNormalized: normPlacement == .after
        case .residMid: !attnOnly && !parallelAttnMLP
        case .mlpIn, .mlpPre, .mlpPost, .mlpOut: !attnOnly
        case .mlpPreLinear: !attnOnly && gatedMLP
        case .mlpMid, .mlpNormScale, .mlpNormNormalized: !attnOnly && actFn.hasNorm
        case .ln2PostScale, .ln2PostNormalized: normPlacement == .beforeAndAfter && !attnOnly
        case .ln2OutScale, .ln2OutNormalized: normPlacement == .after && !attnOnly
        case .lnFinalScale, .lnFinalNormalized: hasNorms
        // Shared heads of keys and values have no one of the queries' inputs; TransformerLens refuses it too.
        case .attnIn: !isGrouped
        case .tokens, .embed, .residPre, .qInput, .kInput, .vInput, .q, .k, .v, .attnScores, .pattern, .z,
            .result, .attnOut, .residPost, .logits:
            true
        }
    }

    /// The last point of a block before its MLP, and what the MLP reads there is known.
    public var kindBeforeMLP: HookKind { has(.residMid) ? .residMid : .attnOut }

    /// The last point before the vocabulary.
    public var pointBeforeLogits: HookPoint {
        has(.lnFinalNormalized) ? HookPoint(.lnFinalNormalized) : HookPoint(.residPost, layer: nLayers - 1)
    }

    /// The shape of a hook point's activation for one sequence of `pos` tokens, without the batch.
    ///
    /// - Parameter sourcePos: positions that are attended to, where they are not the same ones.
    public func shape(of kind: HookKind, pos: Int, sourcePos: Int? = nil) -> [Int] {
        // A norm over all heads together has one scale, and one row as wide as they are.
        switch (qkNorm, kind) {
        case (.allHeads, .qNormScale), (.allHeads, .kNormScale): return [pos, 1, 1]
        case (.allHeads, .qNormNormalized): return [pos, 1, nHeads * dHead]
        case (.allHeads, .kNormNormalized): return [pos, 1, nKeyValueHeads * dHead]
        default: break
        }
        return kind.axes.map { axis in
            switch axis {
            case .pos: pos
            case .sourcePos: sourcePos ?? pos
            case .head: nHeads
            case .keyHead: nKeyValueHeads
            case .dHead: dHead
            case .dModel: dModel
            case .dMLP: dMLP
            case .vocab: dVocab
            case .one: 1
            }
        }
    }
}
