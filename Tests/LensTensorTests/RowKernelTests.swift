import Glibc
import LensCore
import LensTensor
import Testing

@Suite struct RowKernelTests {
    let pool = ComputePool(threads: 2)
    let control = CallControl()

    @Test(arguments: [1, 7, 16, 33, 1024])
    func layerNormIsCentredAndScaled(width: Int) throws {
        var random = Random(seed: UInt64(width))
        let x = random.tensor([9, width], scale: 3)
        let scale = try pool.layerNormScale(x, eps: 1e-5, control: control)
        let normalized = try pool.layerNormApply(x, scale: scale, control: control)
        #expect(scale.shape == [9, 1])
        for row in 0..<9 {
            let values = x.values[row * width..<(row + 1) * width].map(Double.init)
            let mean = values.reduce(0, +) / Double(width)
            let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(width)
            let expected = (variance + 1e-5).squareRoot()
            #expect(abs(Double(scale.values[row]) - expected) <= 1e-5 * max(1, expected))
            for column in 0..<width {
                #expect(
                    abs(Double(normalized.values[row * width + column]) - (values[column] - mean) / expected) <= 1e-4)
            }
        }
    }

    @Test func normScaleAndShiftInOneGoAreTheStepsInTurn() throws {
        var random = Random(seed: 3)
        let x = random.tensor([70, 300], scale: 3)
        let weight = random.tensor([300])
        let bias = random.tensor([300])
        let scale = try pool.layerNormScale(x, eps: 1e-5, control: control)
        let normalized = try pool.layerNormApply(x, scale: scale, control: control)
        for (centers, bias) in [(false, bias), (true, nil)] as [(Bool, Tensor?)] {
            let steps = try pool.scaleShift(
                normalized, centers: centers, weight: weight, bias: bias, control: control)
            let one = try pool.layerNormScaleShift(
                x, eps: 1e-5, centers: centers, weight: weight, bias: bias, control: control)
            #expect(one.values == steps.values)
        }
    }

    @Test func geluNewFollowsItsFormula() throws {
        let inputs = stride(from: -12, through: 12, by: 0.01).map { Float($0) } + [0, -0.0, -100, 100]
        var x = Tensor(inputs, shape: [1, inputs.count])
        try pool.geluNew(&x, control: control)
        for (input, found) in zip(inputs, x.values) {
            let v = Double(input)
            let expected = 0.5 * v * (1 + tanh((2 / Double.pi).squareRoot() * (v + 0.044715 * v * v * v)))
            #expect(abs(Double(found) - expected) <= 1e-6 + 1e-6 * abs(expected), "gelu_new(\(input))")
        }
    }

    @Test(arguments: [nil, 1, 3, 100] as [Int?])
    func attentionAgreesWithTheNaiveOne(window: Int?) throws {
        var random = Random(seed: 5)
        let shape = AttentionShape(heads: 4, keyHeads: 2, dHead: 8, scale: 0.5, window: window)
        let sequences = [0..<6, 6..<7, 7..<20]
        let q = random.tensor([20, 4, 8])
        let k = random.tensor([20, 2, 8])
        let v = random.tensor([20, 2, 8])
        let scores = try pool.attentionScores(q: q, k: k, sequences: sequences, shape: shape, control: control)
        let patterns = try pool.attentionPattern(scores: scores, sequences: sequences, shape: shape, control: control)
        let mixed = try pool.attentionMix(
            patterns: patterns, v: v, sequences: sequences, shape: shape, control: control)
        let fused = try pool.attention(q: q, k: k, v: v, sequences: sequences, shape: shape, control: control)
        #expect(largestDifference(mixed.values, fused.values.map(Double.init)) <= 1e-5)
        for (index, rows) in sequences.enumerated() {
            for head in 0..<4 {
                for (pos, row) in rows.enumerated() {
                    let first = max(0, window.map { pos - $0 + 1 } ?? 0)
                    let logits = (0..<rows.count).map { source -> Double in
                        guard source >= first, source <= pos else { return -.infinity }
                        let key = (rows.lowerBound + source) * 16 + head / 2 * 8
                        return 0.5
                            * (0..<8).reduce(0.0) {
                                $0 + Double(q.values[row * 32 + head * 8 + $1]) * Double(k.values[key + $1])
                            }
                    }
                    let highest = logits.max() ?? 0
                    let total = logits.reduce(0) { $0 + exp($1 - highest) }
                    for source in 0..<rows.count {
                        let at = head * rows.count * rows.count + pos * rows.count + source
                        let expected = exp(logits[source] - highest) / total
                        #expect(abs(Double(patterns[index].values[at]) - expected) <= 1e-5)
                        #expect(logits[source].isFinite == scores[index].values[at].isFinite)
                    }
                    for column in 0..<8 {
                        let expected = (0..<rows.count).reduce(0.0) { sum, source in
                            sum + exp(logits[source] - highest) / total
                                * Double(v.values[(rows.lowerBound + source) * 16 + head / 2 * 8 + column])
                        }
                        #expect(abs(Double(mixed.values[row * 32 + head * 8 + column]) - expected) <= 1e-5)
                    }
                }
            }
        }
    }

    @Test func writingToACopyLeavesTheOriginal() {
        let original = Tensor([1, 2, 3, 4], shape: [2, 2])
        var copy = original
        copy.withMutablePointer { $0[0] = 9 }
        #expect(original.values == [1, 2, 3, 4])
        #expect(copy.values == [9, 2, 3, 4])
        #expect(Tensor.stacking([(original, 1..<2), (copy, 0..<2)]).values == [3, 4, 9, 2, 3, 4])
        #expect(original.rows(1..<2).values == [3, 4])
    }
}
