import LensCore
import LensModel
import LensTensor

/// Scores the patterns of all heads, prompt by prompt; no more than one layer's patterns are held at a time.
final class HeadScoresJob: PassJob {
    private let subject: PassSubject
    private var prompts: Range<Int>
    private var scores: [[HeadScores]]

    init(_ subject: PassSubject) {
        self.subject = subject
        prompts = subject.recipe.tokens.indices
        scores = Array(repeating: [], count: subject.configuration.headCount)
    }

    var cost: PassCost {
        PassCost(operations: subject.operations(), rows: subject.rowCount)
    }

    func step(on compute: Compute) throws(LensError) -> Outcome? {
        if let prompt = prompts.popFirst() {
            var state = try subject.begin(prompts: [prompt])
            let scorer = HeadPatternScores(tokens: subject.recipe.tokens[prompt])
            let nHeads = subject.configuration.nHeads
            let points = (0..<subject.configuration.nLayers).map { HookPoint(.pattern, layer: $0) }
            try subject.visit(points, in: &state, of: [prompt], on: compute) { (state) throws(LensError) in
                let layer = state.point.layer ?? 0
                let patterns = state.activation(of: 0)
                let size = patterns.count / nHeads
                for head in 0..<nHeads {
                    try compute.control.check()
                    let found = patterns.withPointer {
                        scorer.scores(
                            layer: layer, head: head,
                            pattern: UnsafeBufferPointer(start: $0 + head * size, count: size))
                    }
                    scores[layer * nHeads + head].append(found)
                }
            }
        }
        return prompts.isEmpty ? Outcome(heads: scores.compactMap(\.averaged)) : nil
    }

    struct Outcome: KeptAnswer {
        let heads: [HeadScores]
        func copied() -> Outcome { Outcome(heads: heads.copied()) }
        var byteCount: Int { heads.count * MemoryLayout<HeadScores>.stride }
    }
}
