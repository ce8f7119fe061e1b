import Glibc
import LensCore
import LensModel
import LensTensor

/// Goes through the prompts once more, when it is known what position expects of each head: which tokens get attention
/// beyond that, and how much of the pattern they explain.
final class HeadPairsJob: PassJob {
    private let subject: PassSubject
    private let heads: [Head]
    private var prompts: Range<Int>
    private let pairCount: Int

    /// - Parameter scored: what a ``HeadScoresJob`` found over the same prompts.
    init(_ subject: PassSubject, scored: HeadScoresJob.Outcome, pairCount: Int) {
        self.subject = subject
        self.pairCount = pairCount
        prompts = subject.recipe.tokens.indices
        let places = TokenFactors.places(heads: scored.heads.count)
        heads = scored.heads.map { Head($0, places: places) }
    }

    var cost: PassCost {
        PassCost(
            operations: subject.operations(), rows: subject.rowCount,
            bytes: heads.count * TokenFactors.places(heads: heads.count) * 8)
    }

    /// Prompts.
    var progress: PassProgress? {
        PassProgress(done: prompts.lowerBound, total: subject.recipe.tokens.count)
    }

    func step(on compute: Compute) throws(LensError) -> Outcome? {
        if let prompt = prompts.popFirst() {
            // Of the first half too little is learned yet to say what tokens explain.
            let isMeasured = prompt >= 1 && 2 * prompt >= subject.recipe.tokens.count
            try take(prompt, isMeasured: isMeasured, on: compute)
        }
        guard prompts.isEmpty else { return nil }
        // Of many prompts, what occurred once or twice is no habit of the head.
        let least = subject.recipe.tokens.count >= HeadEvidence.leastPrompts ? 3 : 1
        return Outcome(heads: heads.map { $0.finding(pairCount, seenIn: least) })
    }

    private func take(_ prompt: Int, isMeasured: Bool, on compute: Compute) throws(LensError) {
        let tokens = subject.recipe.tokens[prompt]
        guard tokens.count > CountedRows.first else { return }
        let parts = HeadPrompt.parts(ofRows: tokens.count)
        let nHeads = subject.configuration.nHeads
        try subject.visitPatterns(of: prompt, on: compute) { [heads] (layer, patterns) throws(LensError) in
            let size = patterns.count / nHeads
            // First what was known before, then what the prompt teaches: it explains later ones.
            for isLearning in [false, true] {
                for part in parts {
                    let pairs = PairedRows(tokens, rows: part.clamped(to: CountedRows.first..<tokens.count))
                    try compute.pool.run(blocks: nHeads, control: compute.control) { head in
                        patterns.withPointer {
                            let pattern = UnsafeBufferPointer(start: $0 + head * size, count: size)
                            let own = heads[layer * nHeads + head]
                            if isLearning {
                                own.learn(pairs, pattern: pattern)
                            } else {
                                own.explain(pairs, pattern: pattern, isMeasured: isMeasured)
                            }
                        }
                    }
                }
            }
        }
    }

    struct Outcome: KeptAnswer {
        struct Head: Sendable {
            /// The share of the structure that tokens explain beyond position, 0...1: of the second half of the prompts,
            /// by what was learned of those before each.
            let tokens: Double
            let pairs: [(destination: Int32, source: Int32, count: PairCounter.Count)]
        }

        let heads: [Head]
        func copied() -> Outcome { Outcome(heads: heads.copied()) }
        var byteCount: Int { heads.reduce(0) { $0 + 64 + 32 * $1.pairs.count } }
    }
}

/// Some rows of a prompt, with the places of their pairs of tokens in any head's table.
private struct PairedRows: Sendable {
    let tokens: [Int32]
    let rows: Range<Int>
    /// Of the tokens as sources, whatever attends to them.
    let sources: [UInt32]
    /// `[row, source]`, of the rows at hand.
    private let pairs: [UInt32]

    init(_ tokens: [Int32], rows: Range<Int>) {
        self.tokens = tokens
        self.rows = rows
        sources = tokens.map { TokenFactors.key(nil, $0) }
        pairs = rows.flatMap { row in tokens.map { TokenFactors.key(tokens[row], $0) } }
    }

    /// Calls `body` with the places of a row's pairs, source by source, and of the sources alone.
    func withPlaces(
        ofRow row: Int, _ body: (_ pairs: UnsafeBufferPointer<UInt32>, _ sources: UnsafeBufferPointer<UInt32>) -> Void
    ) {
        let first = (row - rows.lowerBound) * tokens.count
        pairs.withUnsafeBufferPointer { pairs in
            sources.withUnsafeBufferPointer {
                body(UnsafeBufferPointer(rebasing: pairs[first..<first + tokens.count]), $0)
            }
        }
    }
}

extension HeadPairsJob {
    /// What is summed up of one head; within a layer each head is one thread's.
    private final class Head: @unchecked Sendable {
        private let model: PositionModel
        private let position: Double
        /// Of all destinations, in nats.
        private var structure = 0.0
        private let structurePerRow: Double
        private var gain = 0.0
        private var factors: TokenFactors
        private var pairs = PairCounter()
        /// Of the prompt under way: what position and the factors expect of each row, all sources together.
        private var sums: [Float] = []

        init(_ scored: HeadScoresJob.Outcome.Head, places: Int) {
            model = scored.model
            position = scored.scores.position
            structurePerRow = scored.scores.structure
            factors = TokenFactors(places: places)
        }

        /// How many nats closer to the pattern than position alone position and the factors come, over some rows.
        func explain(_ paired: PairedRows, pattern: UnsafeBufferPointer<Float>, isMeasured: Bool) {
            let length = paired.tokens.count
            guard pattern.count == length * length else { return }
            if sums.count != length || paired.rows.lowerBound == CountedRows.first {
                sums = Array(repeating: 1, count: length)
            }
            var expected = Array(repeating: Float(0), count: length)
            for row in paired.rows {
                model.write(row: row, to: &expected)
                // A row's attention to the logarithms of the factors, and the sum of what is expected with them.
                var (known, sum) = (Float(0), Float(0))
                paired.withPlaces(ofRow: row) { pairs, sources in
                    factors.visit(sources: sources, pairs: pairs, upTo: row) { source, factor in
                        known += pattern[row * length + source] * log(max(factor, .leastNormalMagnitude))
                        sum += expected[source] * factor
                    }
                }
                sums[row] = max(sum, .leastNormalMagnitude)
                if isMeasured { gain += Double(known) - Double(log(sums[row])) }
            }
            if isMeasured { structure += structurePerRow * Double(paired.rows.count) }
        }

        /// What some rows teach, once all of the prompt is explained.
        func learn(_ paired: PairedRows, pattern: UnsafeBufferPointer<Float>) {
            let length = paired.tokens.count
            guard pattern.count == length * length, sums.count == length else { return }
            var expected = Array(repeating: Float(0), count: length)
            for row in paired.rows {
                model.write(row: row, to: &expected)
                let attention = UnsafeBufferPointer(rebasing: pattern[row * length..<(row + 1) * length])
                paired.withPlaces(ofRow: row) { pairs, sources in
                    factors.learn(
                        sources: sources, pairs: pairs, upTo: row, attention: attention, expected: expected,
                        sum: sums[row])
                }
                for source in 0...row {
                    let beyond = attention[source] - expected[source]
                    if beyond >= Float(TokenPair.countedFrom) {
                        self.pairs.add(
                            destination: paired.tokens[row], source: paired.tokens[source], weight: beyond)
                    }
                }
            }
        }

        func finding(_ count: Int, seenIn places: Int) -> Outcome.Head {
            let share = structure > 0 ? gain / structure : 0
            return Outcome.Head(
                tokens: min(max(share, 0), max(1 - position, 0)), pairs: pairs.strongest(count, seenIn: places))
        }
    }
}
