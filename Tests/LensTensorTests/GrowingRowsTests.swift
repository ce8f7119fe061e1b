import LensTensor
import Testing

@Suite struct GrowingRowsTests {
    @Test func rowsComeOneAfterTheOther() {
        var random = Random(seed: 7)
        let source = random.tensor([40, 6])
        var rows = GrowingRows(width: 6, limit: 40)
        var capacities: Set<Int> = [0]
        for start in [0, 1, 2, 7, 8, 30] {
            let end = [0: 1, 1: 2, 2: 7, 7: 8, 8: 30, 30: 40][start] ?? start
            rows.append(start..<end, of: source)
            capacities.insert(rows.byteCount / 24)
            #expect(rows.count == end)
            #expect(rows.tensor.values == Array(source.values[..<(end * 6)]))
        }
        // Never more room than will be needed, and few steps on the way.
        #expect(capacities.max() == 40)
        #expect(capacities.count <= 6)
    }

    @Test func copiesGrowApart() {
        let source = Tensor((0..<12).map(Float.init), shape: [6, 2])
        var one = GrowingRows(width: 2, limit: 100)
        one.append(0..<3, of: source)
        var other = one
        one.append(3..<4, of: source)
        other.append(5..<6, of: source)
        #expect(one.tensor.values == [0, 1, 2, 3, 4, 5, 6, 7])
        #expect(other.tensor.values == [0, 1, 2, 3, 4, 5, 10, 11])
    }
}
