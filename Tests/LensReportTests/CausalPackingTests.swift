import LensCore
import LensReport
import Testing

@Suite struct CausalPackingTests {
    /// Rows of a causal pattern, filled up with zeros after the diagonal.
    private func square(_ rows: [[Float]]) -> [Float] {
        rows.flatMap { $0 + [Float](repeating: 0, count: rows.count - $0.count) }
    }

    @Test func strongestAreExactAndTheRestClose() throws {
        let rows: [[Float]] = (1...40).map { count in
            let raw = (0..<count).map { Float(($0 * 7919 + count * 104729) % 1000 + 1) }
            let sum = raw.reduce(0, +)
            return raw.map { $0 / sum }
        }
        let packing = try CausalPacking(weights: square(rows), positions: 40, topCount: 5)
        for (destination, row) in rows.enumerated() {
            var exactCount = 0
            for (source, weight) in row.enumerated() {
                let packed = try #require(packing.weight(destination: destination, source: source))
                if packed.isExact {
                    exactCount += 1
                    #expect(packed.value == weight)
                } else {
                    #expect(abs(packed.value - weight) < 0.004)
                }
            }
            #expect(exactCount == min(5, row.count))
        }
    }

    @Test func errorOfTheCodesIsBounded() {
        for step in 0...10_000 {
            let weight = Float(step) / 10_000
            #expect(abs(CausalPacking.weight(of: CausalPacking.code(of: weight)) - weight) < 0.004)
        }
        for code in UInt8.min...UInt8.max {
            #expect(CausalPacking.code(of: CausalPacking.weight(of: code)) == code)
        }
    }

    @Test func rowsHoldTheirStrongestInOrder() throws {
        let packing = try CausalPacking(
            weights: square([[1], [0.25, 0.75], [0.2, 0.2, 0.6], [0.1, 0.5, 0.1, 0.3]]), positions: 4, topCount: 2)
        #expect(packing.topSources == [0, 1, 0, 2, 0, 1, 3])
        #expect(packing.topWeights == [1, 0.75, 0.25, 0.6, 0.2, 0.5, 0.3])
        #expect(packing.triangle.count == 10)
    }

    @Test func keepsNothingExactWhereNothingIsAsked() throws {
        let packing = try CausalPacking(weights: square([[1], [0.5, 0.5]]), positions: 2, topCount: 0)
        #expect(packing.topSources.isEmpty)
        #expect(packing.weight(destination: 1, source: 0)?.isExact == false)
    }

    @Test func outsideTheTriangleThereIsNothing() throws {
        let packing = try CausalPacking(weights: square([[1], [0.5, 0.5]]), positions: 2)
        for (destination, source) in [(0, 1), (-1, 0), (2, 0), (1, -1), (1, 2)] {
            #expect(packing.weight(destination: destination, source: source) == nil)
        }
    }

    @Test func roundingErrorsOfASoftmaxAreFine() throws {
        let packing = try CausalPacking(weights: [1.000_000_1], positions: 1)
        #expect(packing.triangle == [255])
    }

    private static let refused: [(Int, [Float], String)] = [
        (2, [1, 0.5, 0.5], "4 weights; received 3"),
        (0, [], "received 0"),
        (70_000, [], "received 70000"),
        (2, [1, 0, .nan, 0.5], "received nan at destination 1, source 0"),
        (2, [1, 0, .infinity, 0.5], "received inf"),
        (2, [1, 0, -0.5, 1.5], "received -0.5"),
        (2, [0.9, 0.1, 0.5, 0.5], "no weight after the diagonal; received 0.1 at destination 0, source 1"),
        (2, [0.9, .nan, 0.5, 0.5], "received nan"),
    ]

    @Test(arguments: refused)
    func refusesWhatIsNoCausalPattern(positions: Int, weights: [Float], message: String) {
        #expect {
            try CausalPacking(weights: weights, positions: positions)
        } throws: { error in
            (error as? LensError)?.code == .invalidArgument && "\(error)".contains(message)
        }
    }
}
