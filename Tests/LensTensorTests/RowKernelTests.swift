import LensCore
import LensTensor
import Testing

@Suite struct RowKernelTests {
    let pool = ComputePool(threads: 2)
    let control = CallControl()

    @Test(arguments: [1, 7, 16, 33, 1024], [true, false])
    func normsAreScaledAndLayerNormIsCentred(width: Int, subtractsMean: Bool) throws {
        var random = Random(seed: UInt64(width))
        let x = random.tensor([9, width], scale: 3)
        let norm = NormFunction(subtractsMean: subtractsMean, eps: 1e-5)
        let scale = try pool.normScale(x, norm, control: control)
        let normalized = try pool.normApply(x, scale: scale, norm, control: control)
        #expect(scale.shape == [9, 1])
        for row in 0..<9 {
            let values = x.values[row * width..<(row + 1) * width].map(Double.init)
            let mean = subtractsMean ? values.reduce(0, +) / Double(width) : 0
            let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(width)
            let expected = (variance + 1e-5).squareRoot()
            #expect(abs(Double(scale.values[row]) - expected) <= 1e-5 * max(1, expected))
            for column in 0..<width {
                #expect(
                    abs(Double(normalized.values[row * width + column]) - (values[column] - mean) / expected) <= 1e-4)
            }
        }
    }

    @Test(arguments: [true, false])
    func normScaleAndShiftInOneGoAreTheStepsInTurn(subtractsMean: Bool) throws {
        var random = Random(seed: 3)
        let x = random.tensor([70, 300], scale: 3)
        let weight = random.tensor([300])
        let bias = random.tensor([300])
        let norm = NormFunction(subtractsMean: subtractsMean, eps: 1e-5)
        let scale = try pool.normScale(x, norm, control: control)
        let normalized = try pool.normApply(x, scale: scale, norm, control: control)
        for (centers, bias) in [(false, bias), (true, nil)] as [(Bool, Tensor?)] {
            let steps = try pool.scaleShift(
                normalized, centers: centers, weight: weight, bias: bias, control: control)
            let one = try pool.normScaleShift(
                x, norm, centers: centers, weight: weight, bias: bias, control: control)
            #expect(one.values == steps.values)
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
