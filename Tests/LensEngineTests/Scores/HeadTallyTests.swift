import Glibc
import LensCore
import LensEngine
import Testing

/// Patterns made by hand: what they are is known.
@Suite struct HeadTallyTests {
    /// Scores of a head whose rows are `softmax(score)` over prompts of random tokens.
    private func scores(
        prompts: Int = 12, length: Int = 40, window: Int? = nil, vocabulary: Int32 = 30,
        _ score: (_ tokens: [Int32], _ row: Int, _ source: Int) -> Double
    ) -> HeadScores {
        let keys = VisibleKeys(window: window)
        let tally = HeadTally(keys: keys, length: length)
        var random = Random(seed: 3)
        for index in 0..<prompts {
            let tokens = (0..<length).map { _ in random.next(below: vocabulary) }
            var pattern = Array(repeating: Float(0), count: length * length)
            for row in 0..<length {
                let sources = (window.map { max(row + 1 - $0, 0) } ?? 0)...row
                let weights = sources.map { exp(score(tokens, row, $0)) }
                let sum = weights.reduce(0, +)
                for (source, weight) in zip(sources, weights) {
                    pattern[row * length + source] = Float(weight / sum)
                }
            }
            let prompt = HeadPrompt(tokens: tokens)
            // In two parts, as the engine takes long prompts in.
            for rows in [0..<length / 2, length / 2..<length] {
                pattern.withUnsafeBufferPointer { tally.add(prompt, index: index, pattern: $0, rows: rows) }
            }
        }
        return tally.scores(layer: 0, head: 0).scores
    }

    private func kinds(_ scores: HeadScores) -> [HeadKind] { HeadKind.kinds(of: scores).map(\.kind) }

    @Test func aHeadThatLooksBackIsPositional() {
        let previous = scores { _, row, source in source == row - 1 ? 12 : 0 }
        #expect(previous.position > 0.99)
        #expect(kinds(previous) == [.previous])
        let distant = scores { _, row, source in source == max(row - 5, 0) ? 12 : 0 }
        #expect(distant.position > 0.95)
        #expect(kinds(distant) == [.distance(5)])
        let own = scores { _, row, source in source == row ? 12 : 0 }
        #expect(kinds(own) == [.toSelf])
    }

    @Test func aSinkIsPositionToo() {
        let sink = scores { _, _, source in source == 0 ? 6 : 0 }
        #expect(sink.position > 0.99)
        #expect(kinds(sink) == [.first])
    }

    @Test func aWindowIsPositionalWithoutAPlace() {
        let soft = scores { _, row, source in -0.25 * Double(row - source) }
        // Not quite all of it: the first position is a distance as any other here, and has one score in the model.
        #expect(soft.position > 0.95)
        #expect(kinds(soft) == [.positional])
    }

    @Test func aHeadThatGoesByTokensIsSemantic() {
        let semantic = scores { tokens, _, source in tokens[source] < 6 ? 6 : 0 }
        #expect(semantic.position < 0.1)
        #expect(kinds(semantic) == [.semantic])
    }

    @Test func halfAndHalfIsInBetween() {
        let both = scores { tokens, row, source in (tokens[source] < 6 ? 2.2 : 0) - 0.12 * Double(row - source) }
        #expect((0.25...0.75).contains(both.position), "\(both.position)")
    }

    @Test func repeatsAreToldFromWhatEvenAttentionGives() {
        let duplicate = scores { tokens, row, source in source < row && tokens[source] == tokens[row] ? 8 : 0 }
        #expect(duplicate.toDuplicate > 0.9)
        #expect(kinds(duplicate) == [.duplicate])
        let induction = scores { tokens, row, source in
            source > 0 && source <= row && tokens[source - 1] == tokens[row] ? 8 : 0
        }
        #expect(kinds(induction) == [.induction])
        // With two tokens nearly half of everything is a duplicate.
        let even = scores(vocabulary: 2) { _, _, _ in 0 }
        #expect(even.toDuplicate > 0.4)
        #expect(kinds(even) == [.broad])
    }

    @Test func evenAttentionIsBroadWithoutStructure() {
        let even = scores { _, _, _ in 0 }
        #expect(abs(even.entropy - 1) < 1e-5)
        #expect(even.structure < 1e-5)
        #expect(kinds(even) == [.broad])
    }

    @Test func aWindowOfKeysIsNoStructure() {
        let even = scores(window: 5) { _, _, _ in 0 }
        #expect(abs(even.entropy - 1) < 1e-5)
        #expect(even.structure < 1e-5)
        let previous = scores(window: 5) { _, row, source in source == row - 1 ? 12 : 0 }
        #expect(previous.position > 0.99)
    }

    /// One short prompt could be fitted perfectly; what is measured is what was not fitted.
    @Test func littleTextIsNotOverfitted() {
        let semantic = scores(prompts: 1, length: 24) { tokens, _, source in tokens[source] < 6 ? 6 : 0 }
        #expect(semantic.position < 0.3)
        let previous = scores(prompts: 1, length: 24) { _, row, source in source == row - 1 ? 12 : 0 }
        #expect(previous.position > 0.95)
    }

    @Test func nothingToScoreIsNothing() {
        let short = scores(prompts: 1, length: 2) { _, _, _ in 0 }
        #expect(short.entropy == 0 && short.structure == 0 && short.position == 0 && short.distance == 0)
        #expect(kinds(short).isEmpty)
    }
}

/// Steele, Lea and Flood's SplitMix64.
private struct Random {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next(below bound: Int32) -> Int32 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
        return Int32(truncatingIfNeeded: (mixed ^ mixed >> 31) % UInt64(UInt32(bound)))
    }
}
