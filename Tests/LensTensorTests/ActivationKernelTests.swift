import Glibc
import LensCore
import LensTensor
import Testing

/// Activation functions, limits and turns against their formulas in float64, and their adjoints against differences.
@Suite struct ActivationKernelTests {
    let pool = ComputePool(threads: 2)
    let control = CallControl()

    static func formula(_ function: ActivationFunction, _ x: [Double]) -> [Double] {
        switch function {
        case .geluNew, .geluFast, .geluPytorchTanh:
            x.map { 0.5 * $0 * (1 + tanh((2 / Double.pi).squareRoot() * ($0 + 0.044715 * $0 * $0 * $0))) }
        case .gelu: x.map { 0.5 * $0 * erfc(-$0 / 2.0.squareRoot()) }
        case .relu: x.map { max($0, 0) }
        case .relu2: x.map { max($0, 0) * max($0, 0) }
        case .silu: x.map { $0 / (1 + exp(-$0)) }
        case .solu, .soluLn: softmaxed(x)
        }
    }

    private static func softmaxed(_ x: [Double]) -> [Double] {
        let highest = x.max() ?? 0
        let total = x.reduce(0) { $0 + exp($1 - highest) }
        return x.map { $0 * exp($0 - highest) / total }
    }

    @Test(arguments: ActivationFunction.allCases)
    func functionsFollowTheirFormulas(function: ActivationFunction) throws {
        let inputs = stride(from: -12, through: 12, by: 0.01).map { Float($0) } + [0, -0.0, -100, 100]
        var x = Tensor(inputs, shape: [1, inputs.count])
        try pool.activate(&x, function, control: control)
        let expected = Self.formula(function, inputs.map(Double.init))
        for ((input, found), expected) in zip(zip(inputs, x.values), expected) {
            #expect(abs(Double(found) - expected) <= 1e-6 + 1e-6 * abs(expected), "\(function)(\(input))")
        }
    }

    @Test(arguments: ActivationFunction.allCases)
    func adjointsAreTheSlopes(function: ActivationFunction) throws {
        var random = Random(seed: 4)
        let (x, gradient) = (random.tensor([5, 19], scale: 4), random.tensor([5, 19]))
        let found = try pool.activateBackward(gradient, x: x, function, control: control)
        let expected = gradients(
            of: { x in (0..<5).flatMap { Self.formula(function, Array(x[$0 * 19..<($0 + 1) * 19])) } },
            at: x.doubles, along: gradient)
        expectClose(found, expected, function.rawValue)
    }

    @Test func farOutSlopesAreNumbers() throws {
        let far = Tensor([-1e4, -50, -12, 12, 50, 1e4], shape: [1, 6])
        let ones = Tensor([1, 1, 1, 1, 1, 1], shape: [1, 6])
        for function in [ActivationFunction.geluNew, .gelu, .relu, .silu] {
            let found = try pool.activateBackward(ones, x: far, function, control: control)
            #expect(largestDifference(found.values, [0, 0, 0, 1, 1, 1]) < 1e-4, "\(function)")
        }
    }

    @Test func clampedValuesPassNothingBack() throws {
        let x = Tensor([-3, -2, -1, 0, 2, 2.5], shape: [2, 3])
        var held = x
        try pool.clamp(&held, limit: 2, control: control)
        #expect(held.values == [-2, -2, -1, 0, 2, 2])
        var gradient = Tensor([1, 2, 3, 4, 5, 6], shape: [2, 3])
        try pool.clampBackward(&gradient, x: x, limit: 2, control: control)
        #expect(gradient.values == [0, 2, 3, 4, 5, 0])
    }

    @Test func productsOfTwoRowsAndABias() throws {
        var random = Random(seed: 2)
        let (a, b, bias) = (random.tensor([7, 30]), random.tensor([7, 30]), random.tensor([30]))
        let found = try pool.multiplyAdd(a, b, bias: bias, control: control)
        let expected = (0..<210).map { a.doubles[$0] * b.doubles[$0] + bias.doubles[$0 % 30] }
        #expect(largestDifference(found.values, expected) < 1e-6)
        let plain = try pool.multiplyAdd(a, b, control: control)
        #expect(largestDifference(plain.values, zip(a.doubles, b.doubles).map(*)) < 1e-6)
    }

    /// Both ways to pair components, and components behind `dim` left alone.
    @Test(arguments: [false, true], [4, 6])
    func headsTurnAndTurnBack(adjacentPairs: Bool, dim: Int) throws {
        var random = Random(seed: 7)
        let x = random.tensor([11, 3, 6])
        let angles = (0..<11 * dim / 2).map { _ in Double(random.next()) * 3 }
        let half = dim / 2
        var turns: [Float] = []
        for row in 0..<11 {
            let own = angles[row * half..<(row + 1) * half]
            turns += own.map { Float(cos($0)) }
            turns += own.map { Float(sin($0)) }
        }
        let table = Tensor(turns, shape: [11, dim])
        var found = x
        try pool.rotate(&found, by: table, heads: 3, adjacentPairs: adjacentPairs, control: control)
        var expected = x.doubles
        for head in 0..<33 {
            for pair in 0..<half {
                let first = head * 6 + (adjacentPairs ? 2 * pair : pair)
                let second = head * 6 + (adjacentPairs ? 2 * pair + 1 : pair + half)
                let angle = angles[head / 3 * half + pair]
                let (a, b) = (x.doubles[first], x.doubles[second])
                expected[first] = a * cos(angle) - b * sin(angle)
                expected[second] = b * cos(angle) + a * sin(angle)
            }
        }
        #expect(largestDifference(found.values, expected) < 1e-5)
        try pool.rotate(
            &found, by: table, heads: 3, adjacentPairs: adjacentPairs, backwards: true, control: control)
        #expect(largestDifference(found.values, x.doubles) < 1e-5)
    }
}
