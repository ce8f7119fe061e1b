import Glibc
import LensCore
import LensTensor
import Testing

/// Windows, grouped queries, soft-caps and ALiBi's slopes against the naive attention, and passes in parts against whole
/// ones.
@Suite struct AttentionTests {
    let pool = ComputePool(threads: 2)
    let control = CallControl()
    let sequences = [0..<6, 6..<7, 7..<20]

    @Test(arguments: NaiveAttention.shapes)
    func agreesWithTheNaiveOne(shape: AttentionShape) throws {
        var random = Random(seed: 5)
        let (q, k, v) = (
            random.tensor([20, shape.heads, 6]), random.tensor([20, shape.keyHeads, 6]),
            random.tensor([20, shape.keyHeads, 6])
        )
        let naive = NaiveAttention(shape: shape, sequences: sequences)
        let keys = sequences.map { SequenceRows($0, of: k) }
        let values = sequences.map { SequenceRows($0, of: v) }
        let scores = try pool.attentionScores(q: q, queries: sequences, keys: keys, shape: shape, control: control)
        let patterns = try pool.attentionPattern(scores: scores, queries: sequences, shape: shape, control: control)
        let mixed = try pool.attentionMix(
            patterns: patterns, queries: sequences, values: values, shape: shape, control: control)
        let fused = try pool.attention(
            q: q, queries: sequences, keys: keys, values: values, shape: shape, control: control)
        let expected = naive.z(q.doubles, k.doubles, v.doubles)
        #expect(largestDifference(mixed.values, expected) <= 1e-5)
        #expect(largestDifference(fused.values, expected) <= 1e-5)
        for (index, rows) in sequences.enumerated() {
            for head in 0..<4 {
                for (pos, row) in rows.enumerated() {
                    let own = naive.scores(q.doubles, k.doubles, row: row, in: rows, head: head)
                    for (source, share) in naive.pattern(own).enumerated() {
                        let place = (head * rows.count + pos) * rows.count + source
                        #expect(abs(Double(patterns[index].values[place]) - share) <= 1e-5)
                        let score = scores[index].values[place]
                        if own[source].isFinite {
                            #expect(abs(Double(score) - own[source]) <= 1e-5)
                        } else {
                            #expect(score == -.infinity)
                        }
                    }
                }
            }
        }
    }

    /// Kept rows and new ones give what all of them give at once, whichever way the positions are cut.
    @Test(arguments: NaiveAttention.shapes)
    func partsGiveTheWhole(shape: AttentionShape) throws {
        var random = Random(seed: 6)
        let (q, k, v) = (
            random.tensor([20, shape.heads, 6]), random.tensor([20, shape.keyHeads, 6]),
            random.tensor([20, shape.keyHeads, 6])
        )
        let whole = try pool.attention(
            q: q, queries: [0..<20], keys: [SequenceRows(0..<20, of: k)], values: [SequenceRows(0..<20, of: v)],
            shape: shape, control: control)
        var keys = GrowingRows(width: shape.keyHeads * 6, limit: 20)
        var values = keys
        var found: [Float] = []
        for part in [0..<7, 7..<8, 8..<9, 9..<20] {
            keys.append(part, of: k)
            values.append(part, of: v)
            let (kept, keptValues) = ([SequenceRows(keys)], [SequenceRows(values)])
            let queries = [0..<part.count]
            let own = q.rows(part)
            let fused = try pool.attention(
                q: own, queries: queries, keys: kept, values: keptValues, shape: shape, control: control)
            let scores = try pool.attentionScores(
                q: own, queries: queries, keys: kept, shape: shape, control: control)
            let patterns = try pool.attentionPattern(scores: scores, queries: queries, shape: shape, control: control)
            let mixed = try pool.attentionMix(
                patterns: patterns, queries: queries, values: keptValues, shape: shape, control: control)
            #expect(largestDifference(mixed.values, fused.doubles) <= 1e-5)
            found += fused.values
        }
        #expect(largestDifference(found, whole.doubles) <= 1e-5)
    }
}
