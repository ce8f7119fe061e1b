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
            let tokens = PairedTokens(subject.recipe.tokens[prompt])
            // Of the first half too little is learned yet to say what tokens explain.
            let isMeasured = prompt >= 1 && 2 * prompt >= subject.recipe.tokens.count
            try subject.visitPatterns(of: prompt, on: compute) { [heads] (layer, patterns) throws(LensError) in
                let nHeads = subject.configuration.nHeads
                let size = patterns.count / nHeads
                try compute.pool.run(blocks: nHeads, control: compute.control) { head in
                    patterns.withPointer {
                        heads[layer * nHeads + head].add(
                            tokens, pattern: UnsafeBufferPointer(start: $0 + head * size, count: size),
                            isMeasured: isMeasured)
                    }
                }
            }
        }
        guard prompts.isEmpty else { return nil }
        // Of many prompts, what occurred once or twice is no habit of the head.
        let least = subject.recipe.tokens.count >= HeadEvidence.leastPrompts ? 3 : 1
        return Outcome(heads: heads.map { $0.finding(pairCount, seenIn: least) })
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

/// The tokens of a prompt with the places of their pairs in any head's table.
private struct PairedTokens: Sendable {
    let ids: [Int32]
    let sources: [UInt32]

    init(_ ids: [Int32]) {
        self.ids = ids
        sources = ids.map { TokenFactors.key(nil, $0) }
    }

    func pairs(ofRow row: Int) -> [UInt32] { (0...row).map { TokenFactors.key(ids[row], ids[$0]) } }
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

        init(_ scored: HeadScoresJob.Outcome.Head, places: Int) {
            model = scored.model
            position = scored.scores.position
            structurePerRow = scored.scores.structure
            factors = TokenFactors(places: places)
        }

        func add(_ tokens: PairedTokens, pattern: UnsafeBufferPointer<Float>, isMeasured: Bool) {
            let length = tokens.ids.count
            guard length > CountedRows.first, pattern.count == length * length else { return }
            var expected = Array(repeating: Float(0), count: length)
            var sums = Array(repeating: Float(1), count: length)
            for row in CountedRows.first..<length {
                model.write(row: row, to: &expected)
                let (known, sum) = explained(tokens, row, pattern, expected)
                sums[row] = max(sum, .leastNormalMagnitude)
                if isMeasured { gain += Double(known) - Double(log(sums[row])) }
            }
            if isMeasured { structure += structurePerRow * Double(length - CountedRows.first) }
            // Only now: what a prompt teaches explains later ones.
            for row in CountedRows.first..<length {
                model.write(row: row, to: &expected)
                learn(tokens, row, pattern, expected, sum: sums[row])
            }
        }

        /// A row's attention to the logarithms of the factors, and the sum of what position and the factors expect: the
        /// first less the second's logarithm is how many nats closer to the row than position alone they come.
        private func explained(
            _ tokens: PairedTokens, _ row: Int, _ pattern: UnsafeBufferPointer<Float>, _ expected: [Float]
        ) -> (known: Float, sum: Float) {
            let length = tokens.ids.count
            let places = tokens.pairs(ofRow: row)
            var (known, sum) = (Float(0), Float(0))
            for source in 0...row {
                let factor = factors.factor(source: tokens.sources[source], pair: places[source])
                known += pattern[row * length + source] * log(max(factor, .leastNormalMagnitude))
                sum += expected[source] * factor
            }
            return (known, sum)
        }

        private func learn(
            _ tokens: PairedTokens, _ row: Int, _ pattern: UnsafeBufferPointer<Float>, _ expected: [Float], sum: Float
        ) {
            let length = tokens.ids.count
            let places = tokens.pairs(ofRow: row)
            for source in 0...row {
                let attention = pattern[row * length + source]
                factors.learn(
                    source: tokens.sources[source], pair: places[source], attention: attention,
                    expected: expected[source] / sum)
                let beyond = attention - expected[source]
                if beyond >= Float(TokenPair.countedFrom) {
                    pairs.add(destination: tokens.ids[row], source: tokens.ids[source], weight: beyond)
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
