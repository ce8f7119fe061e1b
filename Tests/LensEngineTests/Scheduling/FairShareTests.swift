import LensEngine
import Testing

@Suite struct FairShareTests {
    @Test func whoComesStartsWhereTheLeastIs() {
        var share = FairShare<String>()
        share.enter("a")
        share.charge("a", 5)
        share.enter("b")
        #expect(share.lead(of: "b") == 0)
        #expect(share.lead(of: "a") == 0)
        share.charge("b", 2)
        #expect(share.lead(of: "b") == 2)
        #expect(share.lead(of: "a") == -2)
    }

    /// Leaving for a moment pays no debt off, and being away saves nothing up.
    @Test func leavingNeitherPaysNorSaves() {
        var share = FairShare<String>()
        share.enter("heavy")
        share.enter("other")
        share.charge("heavy", 3)
        share.leave("heavy")
        share.enter("heavy")
        #expect(share.lead(of: "heavy") == 3)
        share.leave("other")
        share.charge("heavy", 100)
        share.enter("other")
        #expect(share.lead(of: "heavy") == 0)
    }

    @Test func alonePeopleAreNeverAhead() {
        var share = FairShare<Int>()
        share.enter(1)
        share.charge(1, 50)
        #expect(share.lead(of: 1) == 0)
        #expect(share.activeCount == 1)
    }

    /// Everybody served least-first gets the same, whatever one turn costs.
    @Test func leastFirstIsEven() {
        var share = FairShare<Int>()
        let costs = [0: 0.01, 1: 0.2, 2: 0.07]
        var had = [0.0, 0, 0]
        for key in costs.keys { share.enter(key) }
        for _ in 0..<10_000 {
            let key = costs.keys.min { (share.time(of: $0), $0) < (share.time(of: $1), $1) } ?? 0
            share.charge(key, costs[key] ?? 0)
            had[key] += costs[key] ?? 0
        }
        #expect((had.max() ?? 0) - (had.min() ?? 0) <= 0.2)
    }
}
