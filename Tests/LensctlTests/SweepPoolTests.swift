import LensCore
import Testing
import lensctl

@Suite struct SweepPoolTests {
    /// A sweep of one head over prompts, from the loss of every prediction without and with the head.
    private func sweep(_ prompts: [[(base: Double, ablated: Double)]], fingerprint: String = "f") -> SweepReply {
        let all = prompts.flatMap { $0 }
        let deltas = all.map { $0.ablated - $0.base }
        let delta = mean(deltas)
        let squares = deltas.reduce(0) { $0 + ($1 - delta) * ($1 - delta) }
        let count = Double(deltas.count)
        return SweepReply(
            runID: "id", model: "m", form: .processed, fingerprint: fingerprint, action: .zero, hook: "z",
            tokens: prompts.map { [Token](repeating: Token(id: 1, text: "a"), count: $0.count + 1) },
            baselineLoss: mean(all.map(\.base)), baselineLosses: prompts.map { mean($0.map(\.base)) },
            heads: [
                HeadEffect(
                    layer: 0, head: 0, loss: mean(all.map(\.ablated)), delta: delta,
                    standardError: count > 1 ? (squares / (count - 1) / count).squareRoot() : .nan,
                    promptDeltas: prompts.map { mean($0.map { $0.ablated - $0.base }) })
            ])
    }

    private func mean(_ values: [Double]) -> Double {
        values.isEmpty ? .nan : values.reduce(0, +) / Double(values.count)
    }

    private func isNear(_ left: Double, _ right: Double) -> Bool {
        left.isNaN && right.isNaN || abs(left - right) <= 1e-12
    }

    /// Prompts of many lengths, with none and one prediction among them.
    private let prompts: [[(base: Double, ablated: Double)]] = [5, 0, 1, 17, 1, 3, 40].enumerated().map {
        prompt, count in
        (0..<count).map { position in
            let base = Double((prompt * 31 + position * 17) % 11) / 3
            return (base, base + Double((prompt * 7 + position * 5) % 13) / 10 - 0.4)
        }
    }

    @Test func partsPoolToTheWhole() throws {
        let whole = sweep(prompts)
        for cut in 1..<prompts.count {
            var pool = SweepPool()
            try pool.add(sweep(Array(prompts[..<cut])))
            for prompt in prompts[cut...] { try pool.add(sweep([prompt])) }
            let pooled = try #require(pool.pooled)
            #expect(isNear(pooled.baselineLoss, whole.baselineLoss))
            #expect(isNear(pooled.heads[0].delta, whole.heads[0].delta))
            #expect(isNear(pooled.heads[0].loss, whole.heads[0].loss))
            #expect(isNear(pooled.heads[0].standardError, whole.heads[0].standardError))
            #expect(zip(pooled.heads[0].promptDeltas, whole.heads[0].promptDeltas).allSatisfy { isNear($0, $1) })
            #expect(pooled.tokens == whole.tokens)
            #expect(pooled.runID.isEmpty)
        }
    }

    @Test func aSingleSweepIsPassedOnAsItCame() throws {
        var pool = SweepPool()
        #expect(pool.pooled == nil)
        let reply = sweep(prompts.filter { !$0.isEmpty })
        try pool.add(reply)
        #expect(pool.pooled?.runID == "id")
        #expect(pool.pooled?.heads == reply.heads)
    }

    @Test func nothingPredictedIsNoNumber() throws {
        var pool = SweepPool()
        try pool.add(sweep([[]]))
        try pool.add(sweep([[]]))
        let pooled = try #require(pool.pooled)
        #expect(pooled.heads[0].delta.isNaN && pooled.heads[0].standardError.isNaN && pooled.baselineLoss.isNaN)
        try pool.add(sweep([[(1, 1.5)]]))
        #expect(pool.pooled?.heads[0].delta == 0.5)
        #expect(pool.pooled?.heads[0].standardError.isNaN == true)
    }

    @Test func anotherModelIsNotPooled() throws {
        var pool = SweepPool()
        try pool.add(sweep(prompts))
        #expect {
            try pool.add(sweep(prompts, fingerprint: "g"))
        } throws: { ($0 as? LensError)?.code == .aborted }
    }
}
