import LensCore
import LensTensor
import Testing

/// What else rides in a batch changes a row's results by no more than float rounding, though few rows, many rows and
/// single ones are computed by different kernels.
@Suite struct BatchIndependenceTests {
    let pool = ComputePool(threads: 2)
    let control = CallControl()

    private func isRounding(_ found: Float, _ alone: Float) -> Bool {
        abs(found - alone) <= 1e-5 + 1e-5 * abs(alone)
    }

    @Test(arguments: [2, 3, 6, 7, 12, 13, 31, 64, 65, 300, 1537])
    func aRowOfAProductIsWhatItIsAlone(rows: Int) throws {
        var random = Random(seed: UInt64(rows))
        let (inputs, outputs) = (200, 173)
        let weight = Weight(random.tensor([outputs, inputs]))
        let bias = random.tensor([outputs])
        let x = random.tensor([rows, inputs])
        let together = try pool.multiply(x, by: weight, bias: bias, control: control)
        for row in [0, rows / 2, rows - 1] {
            let alone = try pool.multiply(x.rows(row..<row + 1), by: weight, bias: bias, control: control)
            for (found, expected) in zip(together.rows(row..<row + 1).values, alone.values) {
                #expect(isRounding(found, expected), "row \(row) of \(rows): \(found), alone \(expected)")
            }
        }
    }

    /// So that a seed gives the same text whoever else generates.
    @Test(arguments: [1, 16, 47, 48, 200, 1025], [1, 7, 48, 173, 400])
    func aFewRowsAreWhatTheyAreAloneBitForBit(inputs: Int, outputs: Int) throws {
        var random = Random(seed: UInt64(inputs * 1000 + outputs))
        let weight = Weight(random.tensor([outputs, inputs]))
        let x = random.tensor([ComputePool.fewRows, inputs])
        let alone = try (0..<ComputePool.fewRows).map {
            try pool.multiply(x.rows($0..<$0 + 1), by: weight, control: control).values
        }
        for rows in 1...ComputePool.fewRows {
            let together = try pool.multiply(x.rows(0..<rows), by: weight, control: control)
            for row in 0..<rows { #expect(together.rows(row..<row + 1).values == alone[row], "\(row) of \(rows)") }
        }
    }

    @Test(arguments: [2, 12, 13, 64, 70, 1030])
    func aLossIsWhatItIsAlone(rows: Int) throws {
        var random = Random(seed: UInt64(rows))
        let (inputs, vocab) = (40, 1009)
        let unembedding = Unembedding(
            weight: Weight(random.tensor([vocab, inputs])), bias: random.tensor([vocab]), centre: nil)
        let x = random.tensor([rows, inputs])
        let targets = (0..<rows).map { Int32($0 * 31 % vocab) }
        let together = try pool.crossEntropy(x, targets: targets, through: unembedding, control: control)
        for row in [0, rows / 2, rows - 1] {
            let alone = try pool.crossEntropy(
                x.rows(row..<row + 1), targets: [targets[row]], through: unembedding, control: control)
            #expect(isRounding(together[row], alone[0]), "row \(row) of \(rows): \(together[row]), alone \(alone[0])")
        }
    }
}
