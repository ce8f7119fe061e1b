import LensWire
import Testing

@Suite struct UsedCallIDsTests {
    @Test func remembersLikeASet() {
        var generator = SplitMix64(seed: 7)
        let ranges: [ClosedRange<UInt32>] = [1...40, 1...300, (.max - 30)...(.max)]
        for range in ranges {
            var used = UsedCallIDs()
            var oracle: Set<UInt32> = []
            for _ in 0..<600 {
                let id = UInt32.random(in: range, using: &generator)
                #expect(used.contains(id) == oracle.contains(id))
                let isNew = used.insert(id)
                #expect(isNew == oracle.insert(id).inserted)
            }
        }
    }

    @Test func countingTakesNoRoom() {
        var used = UsedCallIDs()
        let areNew = (1...UInt32(100_000)).map { used.insert($0) }
        #expect(!areNew.contains(false))
        #expect(!used.isFull)
        var scattered = UsedCallIDs()
        var id: UInt32 = 1
        while !scattered.isFull {
            _ = scattered.insert(id)
            id += 2
        }
        #expect(id == UInt32(2 * UsedCallIDs.maximumRanges + 1))
    }
}
