import Glibc
import LensCore
import LensTensor
import Testing

/// Kernels against naive oracles in float64.
@Suite struct MatrixProductTests {
    let pool = ComputePool(threads: 2)
    let control = CallControl()

    @Test(arguments: [
        (1, 1, 1), (1, 300, 17), (2, 3, 5), (3, 64, 8), (7, 50, 33), (12, 97, 31), (13, 49, 15), (14, 96, 1030),
        (33, 129, 65), (257, 100, 40), (1100, 70, 9), (31, 2049, 16), (40, 400, 770),
    ])
    func productsAgreeWithTheNaiveOne(rows: Int, outputs: Int, inputs: Int) throws {
        var random = Random(seed: UInt64(rows * 31 + outputs))
        let x = random.tensor([rows, inputs])
        let w = random.tensor([outputs, inputs])
        let found = try pool.multiply(x, by: Weight(w), control: control)
        #expect(found.shape == [rows, outputs])
        #expect(largestDifference(found.values, naiveProduct(x, w)) <= 1e-4)
        let bias = random.tensor([outputs])
        let shifted = try pool.multiply(x, by: Weight(w), bias: bias, control: control)
        let expectedShifted = found.values.enumerated().map { Double($1) + Double(bias.values[$0 % outputs]) }
        #expect(largestDifference(shifted.values, expectedShifted) <= 1e-4)
        let part = outputs / 3..<outputs
        let some = try pool.multiply(x, by: Weight(w), rows: part, control: control)
        let expected = (0..<rows).flatMap { row in found.values[row * outputs + part.lowerBound..<(row + 1) * outputs] }
        #expect(largestDifference(some.values, expected.map(Double.init)) <= 1e-4)
    }

    @Test(arguments: [1, 5, 700], [nil, 6] as [Float?])
    func crossEntropyNeedsNoLogits(vocab: Int, softCap: Float?) throws {
        var random = Random(seed: UInt64(vocab))
        let rows = 37
        let x = random.tensor([rows, 24], scale: 2)
        let w = random.tensor([vocab, 24], scale: 2)
        let bias = random.tensor([vocab])
        let centre = softCap == nil ? random.tensor([24]) : Tensor(zeros: [24])
        let unembedding = Unembedding(
            weight: Weight(w), bias: bias, centre: softCap == nil ? centre : nil, softCap: softCap)
        let targets = (0..<rows).map { Int32($0 * 7 % vocab) }
        let found = try pool.crossEntropy(x, targets: targets, through: unembedding, control: control)
        let products = naiveProduct(x, w)
        let logits = try pool.logits(x, through: unembedding, control: control)
        for row in 0..<rows {
            let values = (0..<vocab).map { column in
                let logit = products[row * vocab + column] + Double(bias.values[column])
                return softCap.map { Double($0) * tanh(logit / Double($0)) } ?? logit
            }
            let highest = values.max() ?? 0
            let logSum = highest + log(values.reduce(0) { $0 + exp($1 - highest) })
            #expect(abs(Double(found[row]) - (logSum - values[Int(targets[row])])) <= 1e-4)
            let shift = (0..<24).reduce(0.0) { $0 + Double(x.values[row * 24 + $1]) * Double(centre.values[$1]) }
            for column in 0..<vocab {
                #expect(abs(Double(logits.values[row * vocab + column]) - (values[column] - shift)) <= 1e-3)
            }
        }
    }

    @Test func everyBlockIsDoneOnce() throws {
        for blocks in [0, 1, 2, 3, 1000] {
            var counts = Tensor(zeros: [max(blocks, 1)])
            try counts.withMutablePointer { (pointer) throws(LensError) in
                nonisolated(unsafe) let pointer = pointer
                try pool.run(blocks: blocks, control: control) { pointer[$0] += 1 }
            }
            #expect(counts.values.prefix(blocks).allSatisfy { $0 == 1 })
        }
    }

    @Test func cancelledWorkStopsBetweenBlocks() throws {
        let control = CallControl()
        #expect(throws: LensError.cancelled) {
            try pool.run(blocks: 1000, control: control) { block in
                #expect(block < 100)
                if block == 3 { control.cancel() }
            }
        }
    }
}
