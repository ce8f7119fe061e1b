import LensCore
import LensModel
import LensTensor
import Testing

/// Parts of stored tensors against plain indices.
@Suite struct StoredPartTests {
    /// Copies a part out of a tensor whose element at `i` is `i`.
    private func copied(_ part: StoredPart, _ shape: [Int]) -> [Int] {
        let count = part.storedShape(shape).reduce(1, *)
        let stored = Tensor((0..<count).map { Float($0) }, shape: [count])
        var target = Tensor(zeros: shape)
        target.withMutablePointer { target in stored.withPointer { part.copy($0, shape: shape, to: target) } }
        return target.values.map { Int($0) }
    }

    /// `[outputs, inputs]` as a function of the stored tensor's flat index.
    private func expected(_ outputs: Int, _ inputs: Int, _ index: (Int, Int) -> Int) -> [Int] {
        (0..<outputs).flatMap { output in (0..<inputs).map { index(output, $0) } }
    }

    @Test func transposedMatricesAreTurned() {
        let part = StoredPart(name: "w", layout: .inputsFirst)
        #expect(part.storedShape([70, 45]) == [45, 70])
        #expect(copied(part, [70, 45]) == expected(70, 45) { $1 * 70 + $0 })
        #expect(part.storedShape([70]) == [70])
    }

    @Test func thirdsOfATransposedMatrix() {
        let part = StoredPart(name: "w", layout: .inputsFirst, rows: .range(12..<24, of: 36))
        #expect(part.storedShape([12, 5]) == [5, 36])
        #expect(copied(part, [12, 5]) == expected(12, 5) { $1 * 36 + 12 + $0 })
        #expect(copied(part, [12]) == Array(12..<24))
    }

    @Test func partsInTurnHeadByHead() {
        // [head 4, part 3, dHead 2]
        let part = StoredPart(name: "w", rows: .interleaved(1, of: 3, heads: 4))
        #expect(part.storedShape([8, 5]) == [24, 5])
        #expect(copied(part, [8, 5]) == expected(8, 5) { (($0 / 2 * 3 + 1) * 2 + $0 % 2) * 5 + $1 })
        #expect(copied(part, [8]) == (0..<8).map { ($0 / 2 * 3 + 1) * 2 + $0 % 2 })
    }

    @Test func transformerLenssHeads() {
        // W_Q [head 3, inputs 7, dHead 2] and W_O [head 3, dHead 2, outputs 7].
        let query = StoredPart(name: "W_Q", layout: .outputsByHead(3))
        #expect(query.storedShape([6, 7]) == [3, 7, 2])
        #expect(copied(query, [6, 7]) == expected(6, 7) { ($0 / 2 * 7 + $1) * 2 + $0 % 2 })
        #expect(query.storedShape([6]) == [3, 2])
        #expect(copied(query, [6]) == Array(0..<6))
        let output = StoredPart(name: "W_O", layout: .inputsByHead(3))
        #expect(output.storedShape([7, 6]) == [3, 2, 7])
        #expect(copied(output, [7, 6]) == expected(7, 6) { $1 * 7 + $0 })
    }
}
