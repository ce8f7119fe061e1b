import LensTerminal
import Testing

/// Expected texts are NumPy's own, with `printoptions(floatmode="fixed", precision=4, linewidth=80, suppress=True)`.
@Suite struct ArraySummaryTests {
    private func text(_ values: [Float], _ shape: [Int], isInteger: Bool = false) throws -> String {
        try #require(ArraySummary(values, shape: shape, isInteger: isInteger)).lines(width: 80).joined(separator: "\n")
    }

    @Test func threeAxes() throws {
        #expect(
            try text((0..<24).map { Float($0) * 0.5 - 3 }, [2, 3, 4]) == """
                [[[-3.0000 -2.5000 -2.0000 -1.5000]
                  [-1.0000 -0.5000  0.0000  0.5000]
                  [ 1.0000  1.5000  2.0000  2.5000]]

                 [[ 3.0000  3.5000  4.0000  4.5000]
                  [ 5.0000  5.5000  6.0000  6.5000]
                  [ 7.0000  7.5000  8.0000  8.5000]]]
                """)
    }

    @Test func largeOnesShowTheirEdges() throws {
        #expect(
            try text((0..<2000).map { Float($0) * 0.25 }, [4, 500]) == """
                [[  0.0000   0.2500   0.5000 ... 124.2500 124.5000 124.7500]
                 [125.0000 125.2500 125.5000 ... 249.2500 249.5000 249.7500]
                 [250.0000 250.2500 250.5000 ... 374.2500 374.5000 374.7500]
                 [375.0000 375.2500 375.5000 ... 499.2500 499.5000 499.7500]]
                """)
    }

    @Test func longRowsWrap() throws {
        #expect(
            try text((0..<30).map { Float($0) * 1.5 }, [30]) == """
                [ 0.0000  1.5000  3.0000  4.5000  6.0000  7.5000  9.0000 10.5000 12.0000
                 13.5000 15.0000 16.5000 18.0000 19.5000 21.0000 22.5000 24.0000 25.5000
                 27.0000 28.5000 30.0000 31.5000 33.0000 34.5000 36.0000 37.5000 39.0000
                 40.5000 42.0000 43.5000]
                """)
    }

    @Test func smallNumbersAndSpecialOnes() throws {
        #expect(try text([0, 1.5e-6, -2.25e-5], [3]) == "[ 0.0000e+00  1.5000e-06 -2.2500e-05]")
        #expect(try text([1, -.infinity, .nan], [3]) == "[1.0000   -inf    nan]")
    }

    @Test func noAxisAndNoElement() throws {
        #expect(try text([0.5], []) == "0.5000")
        #expect(try text([], [0]) == "[]")
        #expect(try text([], [3, 0]) == "[]")
        #expect(try text([3, 17], [2], isInteger: true) == "[ 3 17]")
    }

    @Test func shapesThatDoNotFitAreRefused() {
        #expect(ArraySummary([1, 2, 3], shape: [2]) == nil)
        #expect(ArraySummary([], shape: [-1]) == nil)
        #expect(ArraySummary([], shape: [Int.max, 4]) == nil)
    }
}
