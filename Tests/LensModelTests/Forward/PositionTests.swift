import Glibc
import LensCore
import LensModel
import Testing

/// Rotary angles and ALiBi's slopes against figures of transformers 5.23 (`ROPE_INIT_FUNCTIONS`, `_get_alibi_slopes`).
@Suite struct PositionTests {
    @Test func anglesGrowWithThePosition() {
        let turns = RotaryTurns(Rotary(dim: 6, base: 10_000))
        let table = turns.turns(of: [0, 3]).values
        #expect(Array(table[..<6]) == [1, 1, 1, 0, 0, 0])
        for pair in 0..<3 {
            let angle = 3 * pow(10_000, -Double(pair) / 3)
            #expect(abs(Double(table[6 + pair]) - cos(angle)) < 1e-6)
            #expect(abs(Double(table[9 + pair]) - sin(angle)) < 1e-6)
        }
    }

    @Test(
        arguments: [
            (
                Rotary.Scaling.linear(factor: 4),
                [0.25, 0.07905694, 0.025, 0.007905695, 0.0025, 0.00079056947, 0.00025, 7.905695e-05]
            ),
            (
                .llama3(factor: 8, lowFrequencyFactor: 1, highFrequencyFactor: 4, originalContext: 64),
                [1.0, 0.24438459, 0.013042256, 0.0039528473, 0.00125, 0.00039528473, 0.000125, 3.9528473e-05]
            ),
            (
                .yarn(
                    factor: 4, attentionFactor: 1.25, betaFast: 32, betaSlow: 1, originalContext: 512, truncates: true),
                [1.0, 0.25693506, 0.0625, 0.013834965, 0.0025, 0.00079056947, 0.00025, 7.905695e-05]
            ),
        ] as [(Rotary.Scaling, [Float])])
    func frequenciesAreStretchedAsTransformersDoes(scaling: Rotary.Scaling, expected: [Float]) {
        let found = RotaryTurns(Rotary(dim: 16, base: 10_000, scaling: scaling))
        for (own, theirs) in zip(found.frequencies, expected) { #expect(abs(own - theirs) <= 2e-7 * abs(theirs)) }
        #expect(found.frequencies.count == expected.count)
        if case .yarn(_, let factor, _, _, _, _) = scaling {
            #expect(found.turns(of: [0]).values[0] == Float(factor))
        }
    }

    @Test func slopesOfAnyNumberOfHeads() {
        #expect(AlibiSlopes.slopes(heads: 8) == (1...8).map { Float(pow(2, -Double($0))) })
        for (own, theirs) in zip(AlibiSlopes.slopes(heads: 5), [0.25, 0.0625, 0.015625, 0.00390625, 0.5] as [Float]) {
            #expect(abs(own - theirs) < 1e-7)
        }
    }
}
