import Glibc
import LensCore
import LensTensor
import Testing

/// Adjoints against central differences of the same functions written plainly in float64.
@Suite struct BackwardKernelTests {
    let pool = ComputePool(threads: 2)
    let control = CallControl()

    @Test(arguments: [1, 5, 33, 300], [true, false])
    func normBackward(width: Int, subtractsMean: Bool) throws {
        var random = Random(seed: UInt64(width))
        let (x, gradient) = (random.tensor([7, width], scale: 3), random.tensor([7, width]))
        let norm = NormFunction(subtractsMean: subtractsMean, eps: 1e-5)
        func middle(_ values: ArraySlice<Double>) -> Double { subtractsMean ? mean(values) : 0 }
        // A divisor of its own, as after an edit.
        let scale = Tensor(random.tensor([7, 1]).values.map { 2 + $0 }, shape: [7, 1])
        let found = try pool.normApplyBackward(gradient, x: x, scale: scale, norm, control: control)
        func apply(_ x: [Double], _ scale: [Double]) -> [Double] {
            x.indices.map { (x[$0] - middle(x[$0 / width * width..<$0 / width * width + width])) / scale[$0 / width] }
        }
        expectClose(
            found.x, gradients(of: { apply($0, scale.doubles) }, at: x.doubles, along: gradient), "numerator")
        expectClose(
            found.scale, gradients(of: { apply(x.doubles, $0) }, at: scale.doubles, along: gradient), "divisor")

        let own = try pool.normScale(x, norm, control: control)
        let ofScale = random.tensor([7, 1])
        var sum = random.tensor([7, width])
        let before = sum.doubles
        try pool.normScaleBackward(ofScale, x: x, scale: own, norm, addingTo: &sum, control: control)
        let added = gradients(
            of: { x in
                (0..<7).map { row in
                    let values = x[row * width..<(row + 1) * width]
                    let middle = middle(values)
                    return (mean(ArraySlice(values.map { ($0 - middle) * ($0 - middle) })) + 1e-5).squareRoot()
                }
            }, at: x.doubles, along: ofScale)
        if width > 1 { expectClose(sum, zip(before, added).map(+), "scale") }
    }

    @Test func scaleShiftBackward() throws {
        var random = Random(seed: 8)
        let (x, gradient) = (random.tensor([9, 40], scale: 4), random.tensor([9, 40]))
        let weight = random.tensor([40])
        for centers in [false, true] {
            let found = try pool.scaleShiftBackward(gradient, centers: centers, weight: weight, control: control)
            let expected = gradients(
                of: { x in
                    x.indices.map { index in
                        let row = index / 40 * 40
                        return (x[index] - (centers ? mean(x[row..<row + 40]) : 0)) * weight.doubles[index % 40]
                    }
                }, at: x.doubles, along: gradient)
            expectClose(found, expected, "centers \(centers)")
        }
    }

    @Test(arguments: [1, 3, 70])
    func productBackward(rows: Int) throws {
        var random = Random(seed: 9)
        let weight = random.tensor([48, 30])
        let (gradient, sum) = (random.tensor([rows, 48]), random.tensor([rows, 30]))
        let expected = naivePlain(gradient, weight)
        let through = Weight(weight)
        expectClose(try pool.multiplyBackward(gradient, through: through, control: control), expected, "plain")
        let added = try pool.multiplyBackward(gradient, through: through, addingTo: sum, control: control)
        expectClose(added, zip(expected, sum.doubles).map(+), "added")

        // Heads: rows of the weight, and columns of it.
        let heads = try pool.multiplyHeadsBackward(
            gradient.reshaped([rows, 4, 12]), through: through, heads: 4, control: control)
        #expect(heads.shape == [rows, 4, 30])
        var together = [Float](repeating: 0, count: rows * 30)
        for (index, value) in heads.values.enumerated() { together[index / 120 * 30 + index % 30] += value }
        expectClose(Tensor(together, shape: [rows, 30]), expected, "heads")
        let results = random.tensor([rows, 5, 48])
        let found = try pool.multiplyResultsBackward(results, through: through, heads: 5, control: control)
        #expect(found.shape == [rows, 5, 6])
        for head in 0..<5 {
            let own = naivePlain(results.everyRowOf(head, of: 5), weight)
            for row in 0..<rows {
                for column in 0..<6 {
                    let value = Double(found.values[(row * 5 + head) * 6 + column])
                    #expect(abs(value - own[row * 30 + head * 6 + column]) < 1e-4)
                }
            }
        }
    }

    @Test(arguments: NaiveAttention.shapes)
    func attentionBackward(shape: AttentionShape) throws {
        var random = Random(seed: 5)
        let sequences = [0..<5, 5..<6, 6..<13]
        let (q, k, v) = (
            random.tensor([13, 4, 6]), random.tensor([13, shape.keyHeads, 6]), random.tensor([13, shape.keyHeads, 6])
        )
        let gradient = random.tensor([13, 4, 6])
        let naive = NaiveAttention(shape: shape, sequences: sequences)
        let fused = try pool.attentionBackward(
            gradient, q: q, k: k, v: v, sequences: sequences, shape: shape, control: control)
        expectClose(
            fused.q, gradients(of: { naive.z($0, k.doubles, v.doubles) }, at: q.doubles, along: gradient), "q")
        expectClose(
            fused.k, gradients(of: { naive.z(q.doubles, $0, v.doubles) }, at: k.doubles, along: gradient), "k")
        expectClose(
            fused.v, gradients(of: { naive.z(q.doubles, k.doubles, $0) }, at: v.doubles, along: gradient), "v")

        // The stages in turn give the same.
        let scores = try pool.attentionScores(
            q: q, queries: sequences, keys: sequences.map { SequenceRows($0, of: k) }, shape: shape, control: control)
        let patterns = try pool.attentionPattern(
            scores: scores, queries: sequences, shape: shape, control: control)
        let mix = try pool.attentionMixBackward(
            gradient, patterns: patterns, v: v, sequences: sequences, shape: shape, control: control)
        let ofScores = try pool.attentionPatternBackward(
            mix.patterns, patterns: patterns, sequences: sequences, shape: shape, control: control)
        let stages = try pool.attentionScoresBackward(
            ofScores, q: q, k: k, sequences: sequences, shape: shape, control: control)
        expectClose(stages.q, fused.q.doubles, "q in stages")
        expectClose(stages.k, fused.k.doubles, "k in stages")
        expectClose(mix.v, fused.v.doubles, "v in stages")
    }

    @Test(arguments: [(1, 40), (3, 1300), (800, 90)], [nil, 4] as [Float?])
    func crossEntropyGradient(size: (rows: Int, vocab: Int), softCap: Float?) throws {
        var random = Random(seed: 11)
        let (rows, vocab) = size
        let unembedding = Unembedding(
            weight: Weight(random.tensor([vocab, 10])), bias: random.tensor([vocab], scale: 3),
            centre: softCap == nil ? random.tensor([10]) : nil, softCap: softCap)
        let x = random.tensor([rows, 10], scale: 5)
        let targets = (0..<rows).map { Int32($0 * 7 % vocab) }
        let weights = random.tensor([rows]).values
        let found = try pool.crossEntropyGradient(
            x, targets: targets, weights: weights, through: unembedding, control: control)
        let losses = try pool.crossEntropy(x, targets: targets, through: unembedding, control: control)
        #expect(zip(found.losses, losses).allSatisfy { abs($0 - $1) <= 1e-5 + 1e-5 * abs($1) })

        // Through dense logits: softmax minus the target.
        let logits = try pool.logits(x, through: unembedding, control: control)
        var dense = [Float](repeating: 0, count: rows * vocab)
        for row in 0..<rows {
            let own = logits.doubles[row * vocab..<(row + 1) * vocab]
            let highest = own.max() ?? 0
            let total = own.reduce(0) { $0 + exp($1 - highest) }
            for (column, logit) in own.enumerated() {
                let share = exp(logit - highest) / total - (column == Int(targets[row]) ? 1 : 0)
                dense[row * vocab + column] = Float(share * Double(weights[row]))
            }
        }
        let gradient = Tensor(dense, shape: [rows, vocab])
        let through = try pool.logitsBackward(gradient, of: x, through: unembedding, control: control)
        expectClose(found.x, through.doubles, "fused")

        // Any gradient of logits, against the product itself.
        let any = random.tensor([rows, vocab])
        let centred = unembedding.weight.tensor.doubles.enumerated().map { index, value in
            Float(value - (unembedding.centre?.doubles[index % 10] ?? 0))
        }
        func throughCap(_ gradient: [Float]) -> Tensor {
            guard let softCap else { return Tensor(gradient, shape: [rows, vocab]) }
            let square = Double(softCap * softCap)
            let values = zip(gradient, logits.doubles).map { (given: Float, logit: Double) -> Float in
                given * Float(1 - logit * logit / square)
            }
            return Tensor(values, shape: [rows, vocab])
        }
        let expected = naivePlain(throughCap(any.values), Tensor(centred, shape: [vocab, 10]))
        expectClose(try pool.logitsBackward(any, of: x, through: unembedding, control: control), expected, "logits")
        var single = Tensor(zeros: [rows, 10])
        let last = rows - 1
        pool.addLogitsBackward(
            [(last, 2, 0.5), (last, vocab - 1, -2)], of: x, through: unembedding, to: &single)
        var sparse = [Float](repeating: 0, count: rows * vocab)
        sparse[last * vocab + 2] = 0.5
        sparse[last * vocab + vocab - 1] = -2
        let dot = naivePlain(throughCap(sparse), Tensor(centred, shape: [vocab, 10]))
        expectClose(single, dot, "sparse")
    }

    @Test func aCancelledCallStopsAmidTheVocabulary() throws {
        var random = Random(seed: 1)
        let unembedding = Unembedding(weight: Weight(random.tensor([600, 4])), bias: nil, centre: nil)
        let cancelled = CallControl()
        cancelled.cancel()
        #expect(throws: LensError.cancelled) {
            _ = try pool.crossEntropyGradient(
                random.tensor([2, 4]), targets: [0, 1], weights: [1, 1], through: unembedding, control: cancelled)
        }
    }
}

/// The gradient of `Σ f(x) · along`, by central differences.
func gradients(of f: ([Double]) -> [Double], at x: [Double], along: Tensor) -> [Double] {
    let along = along.doubles
    return x.indices.map { index in
        var (up, down) = (x, x)
        up[index] += 1e-5
        down[index] -= 1e-5
        return zip(zip(f(up), f(down)), along).reduce(0.0) { $0 + ($1.0.0 - $1.0.1) * $1.1 } / 2e-5
    }
}

/// `a · b` in float64.
private func naivePlain(_ a: Tensor, _ b: Tensor) -> [Double] {
    let (rows, inner, columns) = (a.shape[0], a.rowWidth, b.rowWidth)
    let (a, b) = (a.doubles, b.doubles)
    var product = [Double](repeating: 0, count: rows * columns)
    for row in 0..<rows {
        for index in 0..<inner {
            let value = a[row * inner + index]
            if value == 0 { continue }
            for column in 0..<columns { product[row * columns + column] += value * b[index * columns + column] }
        }
    }
    return product
}

private func mean(_ values: ArraySlice<Double>) -> Double { values.reduce(0, +) / Double(values.count) }

func expectClose(
    _ found: Tensor, _ expected: [Double], _ what: String, sourceLocation: SourceLocation = #_sourceLocation
) {
    let size = expected.reduce(0) { max($0, abs($1)) }
    let worst = largestDifference(found.values, expected)
    #expect(worst <= 1e-5 + 2e-5 * size, "\(what): off by \(worst) of \(size)", sourceLocation: sourceLocation)
}

extension Tensor {

    /// `[row, head, width]`: one head's rows.
    fileprivate func everyRowOf(_ head: Int, of heads: Int) -> Tensor {
        let width = rowWidth / heads
        var own: [Float] = []
        for row in 0..<shape[0] {
            let first = (row * heads + head) * width
            own += values[first..<first + width]
        }
        return Tensor(own, shape: [shape[0], width])
    }
}
