import LensCore
import LensTensor
import Testing

@Suite struct LAPACKTests {
    private let pool = ComputePool(threads: 2)

    @Test func eigenvaluesOfKnownMatrices() {
        // A turn by a quarter, and a triangle.
        let turn = Tensor([0, -2, 2, 0], shape: [2, 2]).eigenvalues()
        #expect(turn?.map { Int($0.imaginary.rounded()) } == [2, -2] && turn?.allSatisfy { $0.real == 0 } == true)
        let triangle = Tensor([1, 5, 7, 0, -3, 9, 0, 0, 2], shape: [3, 3]).eigenvalues()
        #expect(triangle?.map(\.real) == [-3, 2, 1])
        #expect(triangle?.positivity == 0)
        #expect(Tensor(zeros: [0, 0]).eigenvalues() == [])
        #expect(Tensor([.nan], shape: [1, 1]).eigenvalues() == nil)
        #expect(Tensor(zeros: [2, 2]).eigenvalues()?.positivity.isNaN == true)
    }

    /// Their sum is the trace.
    @Test func eigenvaluesSumToTheTrace() throws {
        var random = Random(seed: 4)
        let matrix = random.tensor([70, 70])
        let found = try #require(matrix.eigenvalues())
        let trace = (0..<70).reduce(0.0) { $0 + Double(matrix.values[$1 * 71]) }
        #expect(found.count == 70 && abs(found.reduce(0) { $0 + $1.real } - trace) < 1e-9)
        #expect(abs(found.reduce(0) { $0 + $1.imaginary }) < 1e-9)
        #expect(zip(found, found.dropFirst()).allSatisfy { $0.magnitude >= $1.magnitude })
    }

    /// `RᵀR = M Mᵀ`: products with R have the norms of products with Mᵀ. Also where rows depend on one another.
    @Test func trianglesKeepNorms() throws {
        var random = Random(seed: 5)
        var values = random.tensor([2, 6, 40]).values
        for column in 0..<40 { values[column] = values[40 + column] }
        let matrices = Tensor(values, shape: [2, 6, 40])
        let found = try pool.triangles(matrices, control: CallControl())
        #expect(found.shape == [2, 6, 6])
        for index in 0..<2 {
            let r = found.rows(index..<index + 1).reshaped([6, 6])
            let m = matrices.rows(index..<index + 1).reshaped([6, 40])
            let turned = try pool.transposed(r, control: CallControl())
            #expect(
                largestDifference(try pool.product(turned, r, control: CallControl()).values, naiveProduct(m, m)) < 1e-5
            )
            for row in 0..<6 { #expect(r.values[row * 6..<row * 6 + row].allSatisfy { $0 == 0 }) }
        }
    }

    @Test func productsOfPairsAndSquares() throws {
        var random = Random(seed: 6)
        let (a, b) = (random.tensor([3, 5, 4]), random.tensor([3, 4, 6]))
        let found = try pool.products(a, b, control: CallControl())
        #expect(found.shape == [3, 5, 6])
        for index in 0..<3 {
            let (own, other) = (
                a.rows(index..<index + 1).reshaped([5, 4]), b.rows(index..<index + 1).reshaped([4, 6])
            )
            let turned = try pool.transposed(other, control: CallControl())
            let part = found.rows(index..<index + 1)
            #expect(largestDifference(part.values, naiveProduct(own, turned)) < 1e-6)
        }
        let sums = try pool.squareSums(
            Tensor([1, 2, 3, 4, 5, 6, 7, 8], shape: [2, 4]), height: 1, width: 2, control: CallControl())
        #expect(sums == [5, 25, 61, 113])
    }

    @Test func largestAreFoundAboveAThreshold() throws {
        let rows = Tensor([1, 5, 3, 5, -.infinity, 2, 2, 2, 9, 2], shape: [2, 5])
        let found = try pool.largest(3, of: rows, control: CallControl())
        #expect(found[0].map(\.column) == [1, 3, 2] && found[0].map(\.value) == [5, 5, 3])
        #expect(found[1].map(\.column) == [3, 0, 1])
        let above = try pool.largest(3, of: rows, above: 2, control: CallControl())
        #expect(above.map { $0.map(\.column) } == [[1, 3, 2], [3]])
        #expect(try pool.largest(9, of: rows, control: CallControl())[0].count == 5)
        #expect(try pool.largest(0, of: rows, control: CallControl())[0].isEmpty)
    }
}
