import LensCore
import LensModel
import LensTensor

/// Splits one head's scores while one pass goes by, a layer at a time.
final class ScoreSplitJob: PassJob {
    /// What is wanted of one head, held against the model and the prompt.
    struct Question: Sendable {
        var prompt: Int
        var layer: Int
        var head: Int
        var destinations: [Int]
        var sources: [Int]
        var detail: ScoreSplitDetail
        var isRelative: Bool
        var topCount: Int

        /// Pairs are named as finely as there are parts.
        var partDetail: ScoreSplitDetail { topCount > 0 ? .components : detail }

        /// Positions whose queries or keys are needed.
        var positions: [Int] {
            let seen = isRelative ? 0..<(destinations.max() ?? 0) + 1 : 0..<0
            return Set(destinations).union(sources).union(seen).sorted()
        }
    }

    private let subject: PassSubject
    private let question: Question
    private let positions: [Int]
    private var pass: AnalyzedSequence?
    private var parts: QueryKeyParts?
    private var nextLayer = 0

    init(_ subject: PassSubject, _ question: Question) {
        self.subject = subject
        self.question = question
        positions = question.positions
    }

    var cost: PassCost {
        PassCost(
            operations: subject.operations(prompts: [question.prompt], layers: question.layer + 1),
            rows: subject.rowCount)
    }

    func step(on compute: Compute) throws(LensError) -> Outcome? {
        var pass: AnalyzedSequence
        var parts: QueryKeyParts
        if let begunPass = self.pass, let begun = self.parts {
            (pass, parts) = (begunPass, begun)
        } else {
            pass = try AnalyzedSequence(subject, prompt: question.prompt, positions: positions)
            parts = try QueryKeyParts(
                of: question.head, in: question.layer, of: pass.state, positions: positions,
                detail: question.partDetail, on: compute)
            try embed(&parts, from: &pass, on: compute)
        }
        // Let go of here, so that the pass is changed in place.
        (self.pass, self.parts) = (nil, nil)
        if nextLayer < question.layer {
            try write(nextLayer, to: &parts, from: &pass, on: compute)
            nextLayer += 1
            (self.pass, self.parts) = (pass, parts)
            return nil
        }
        return try finish(parts, &pass, on: compute)
    }

    // MARK: - What goes by

    private func embed(
        _ parts: inout QueryKeyParts, from pass: inout AnalyzedSequence, on compute: Compute
    ) throws(LensError) {
        try parts.add(pass.rows(at: .embed, nil, on: compute), as: ResidualComponent(.embed), on: compute)
        guard subject.configuration.has(.posEmbed) else { return }
        try parts.add(
            pass.rows(at: .posEmbed, nil, on: compute), as: ResidualComponent(.posEmbed), on: compute)
    }

    /// What a layer writes.
    private func write(
        _ layer: Int, to parts: inout QueryKeyParts, from pass: inout AnalyzedSequence, on compute: Compute
    ) throws(LensError) {
        let z = try pass.rows(at: .z, layer, on: compute)
        let scale = try pass.scale(amongst: [.ln1PostScale, .ln1OutScale], layer, on: compute)
        try parts.addHeads(of: layer, z: z, scale: scale, on: compute)
        guard subject.configuration.has(.mlpOut) else { return }
        try parts.add(
            pass.rows(at: .mlpOut, layer, on: compute), as: ResidualComponent(.mlp, layer: layer), on: compute)
    }

    private func finish(
        _ parts: consuming QueryKeyParts, _ pass: inout AnalyzedSequence, on compute: Compute
    ) throws(LensError) -> Outcome {
        let layer = question.layer
        let residual = try pass.rows(at: .residPre, layer, on: compute)
        if subject.plan.points.contains(where: { $0.isUnaccounted }) { try parts.addRest(of: residual, on: compute) }
        let scale = try pass.scale(amongst: [.ln1Scale], layer, on: compute)
        let queryScale = try pass.scale(amongst: [.qNormScale], layer, on: compute)
        let keyScale = try pass.scale(amongst: [.kNormScale], layer, on: compute)
        let finished = try parts.finished(scale: scale, queryScale: queryScale, keyScale: keyScale, on: compute)
        let shape = subject.model.attention(layer)
        let size = subject.recipe.tokens[question.prompt].count
        let cells = SplitCells(question: question, shape: shape, length: size)
        let scores = try pass.whole(at: .attnScores, layer, on: compute)
        let pattern = try pass.whole(at: .pattern, layer, on: compute)
        return try cells.outcome(finished, positions: positions, scores: scores, pattern: pattern, on: compute)
    }

    struct Outcome: KeptAnswer {
        var components: [ResidualComponent]
        var scores: [Float]
        var pattern: [Float]
        var terms: [Float]
        var positionBias: [Float]
        var top: [ScorePair]

        func copied() -> Outcome {
            Outcome(
                components: components.copied(), scores: scores.copied(), pattern: pattern.copied(),
                terms: terms.copied(), positionBias: positionBias.copied(), top: top.copied())
        }

        var byteCount: Int {
            4 * (scores.count + pattern.count + terms.count + positionBias.count)
                + components.count * MemoryLayout<ResidualComponent>.stride
                + top.count * MemoryLayout<ScorePair>.stride
        }
    }
}

extension HookPoint {
    /// Whether an edit here changes the residual stream by what no component says.
    var isUnaccounted: Bool {
        switch kind {
        case .result, .ln1PostNormalized, .ln1OutNormalized, .attnOut, .residPre, .residMid, .residPost: true
        default: false
        }
    }
}
