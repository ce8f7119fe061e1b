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
    private let batch: [Int]
    private var pass: EditedPass?
    private var parts: QueryKeyParts?
    private var nextLayer = 0

    init(_ subject: PassSubject, _ question: Question) {
        self.subject = subject
        self.question = question
        positions = question.positions
        batch = subject.batches([question.prompt]).first ?? []
    }

    var cost: PassCost {
        PassCost(operations: subject.operations(prompts: batch, layers: question.layer + 1), rows: subject.rowCount)
    }

    func step(on compute: Compute) throws(LensError) -> Outcome? {
        var pass: EditedPass
        var parts: QueryKeyParts
        if let begunPass = self.pass, let begun = self.parts {
            (pass, parts) = (begunPass, begun)
        } else {
            pass = try EditedPass(subject, prompts: batch)
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

    private func rows(
        at kind: HookKind, _ layer: Int?, of pass: inout EditedPass, on compute: Compute
    ) throws(LensError) -> Tensor {
        let values = try whole(at: kind, layer, of: &pass, on: compute).gathering(positions)
        return values.reshaped([positions.count, values.rowWidth])
    }

    private func whole(
        at kind: HookKind, _ layer: Int?, of pass: inout EditedPass, on compute: Compute
    ) throws(LensError) -> Tensor {
        try pass.advance(to: HookPoint(kind, layer: layer), on: compute)
        return pass.state.activation(of: batch.firstIndex(of: question.prompt) ?? 0)
    }

    private func embed(
        _ parts: inout QueryKeyParts, from pass: inout EditedPass, on compute: Compute
    ) throws(LensError) {
        try parts.add(rows(at: .embed, nil, of: &pass, on: compute), as: ResidualComponent(.embed), on: compute)
        guard subject.configuration.has(.posEmbed) else { return }
        try parts.add(
            rows(at: .posEmbed, nil, of: &pass, on: compute), as: ResidualComponent(.posEmbed), on: compute)
    }

    /// What a layer writes.
    private func write(
        _ layer: Int, to parts: inout QueryKeyParts, from pass: inout EditedPass, on compute: Compute
    ) throws(LensError) {
        let z = try rows(at: .z, layer, of: &pass, on: compute)
        var scale: Tensor?
        for kind in [HookKind.ln1PostScale, .ln1OutScale] where subject.configuration.has(kind) {
            scale = try rows(at: kind, layer, of: &pass, on: compute)
        }
        try parts.addHeads(of: layer, z: z, scale: scale, on: compute)
        guard subject.configuration.has(.mlpOut) else { return }
        try parts.add(
            rows(at: .mlpOut, layer, of: &pass, on: compute), as: ResidualComponent(.mlp, layer: layer), on: compute)
    }

    private func finish(
        _ parts: consuming QueryKeyParts, _ pass: inout EditedPass, on compute: Compute
    ) throws(LensError) -> Outcome {
        let layer = question.layer
        let residual = try rows(at: .residPre, layer, of: &pass, on: compute)
        if subject.plan.points.contains(where: { $0.isUnaccounted }) { try parts.addRest(of: residual, on: compute) }
        func scale(_ kind: HookKind) throws(LensError) -> Tensor? {
            guard subject.configuration.has(kind) else { return nil }
            return try rows(at: kind, layer, of: &pass, on: compute)
        }
        let finished = try parts.finished(
            scale: scale(.ln1Scale), queryScale: scale(.qNormScale), keyScale: scale(.kNormScale), on: compute)
        let shape = subject.model.attention(layer)
        let size = subject.recipe.tokens[question.prompt].count
        let cells = SplitCells(question: question, shape: shape, length: size)
        return try cells.outcome(
            finished, positions: positions,
            scores: whole(at: .attnScores, layer, of: &pass, on: compute),
            pattern: whole(at: .pattern, layer, of: &pass, on: compute), on: compute)
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
