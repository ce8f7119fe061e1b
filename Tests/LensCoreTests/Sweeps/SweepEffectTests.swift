import LensCore
import Testing

@Suite struct SweepEffectTests {
    private func sweep(_ axes: [SweepReply.Axis], values: [Double], isPaired: Bool = false) -> SweepReply {
        let metric = MetricValues(
            metric: .loss, baseline: 1, baselines: [1], values: values, standardErrors: values, columns: values)
        return SweepReply(
            runID: "", model: "m", form: .raw, fingerprint: "f", action: "zero", hooks: ["z"], axes: axes,
            isPaired: isPaired, tokens: [], metrics: [metric])
    }

    @Test func strongestFirstAndNumbersOnly() {
        let axes = [SweepReply.Axis(.layer, entries: [2, 5]), .init(.head, entries: [0, 7])]
        let found = sweep(axes, values: [1.5, .nan, -1, 1.5]).strongestEffects(3)
        #expect(found.map(\.place) == ["L5H0", "L2H0", "L5H7"])
        #expect(found.map(\.delta) == [-2, 0.5, 0.5])
        #expect(sweep([], values: [3]).strongestEffects(3) == [SweepEffect(place: "", delta: 2)])
        #expect(sweep(axes, values: [1, 1, 1, 1]).strongestEffects(0).isEmpty)
    }

    @Test func pairsAreNamedOnce() {
        let axes = [SweepReply.Axis(.position, entries: [1, 3])]
        let found = sweep(axes, values: [2, 5, 5, 3], isPaired: true).strongestEffects(9)
        #expect(found.map(\.place) == ["@1+@3", "@3", "@1"])
    }
}
