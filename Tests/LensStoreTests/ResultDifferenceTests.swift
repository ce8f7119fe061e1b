import LensCore
import LensStore
import Testing

@Suite struct ResultDifferenceTests {
    private func run(_ change: (inout RunReply) -> Void = { _ in }) -> RunResult {
        let result = Samples.run(tokens: [[0, 17, 4_095], [1, 2]]).result
        guard case .run(var reply) = result else { return result }
        change(&reply)
        return .run(reply)
    }

    @Test func equalResultsDoNotDiffer() {
        for new in [Samples.run(), Samples.sweep(), Samples.generation(), Samples.run(tokens: [[0]])] {
            let difference = ResultDifference(new.result, new.result)
            #expect(difference.isNone && difference.remark.isEmpty)
            #expect(difference.largest == 0)
        }
    }

    @Test func aPlantedDifferenceIsFound() {
        let rounding = ResultDifference(run(), run { $0.prompts[0].loss += 1e-6 })
        #expect(rounding.isNone && rounding.loss > 9e-7)
        let loss = ResultDifference(run(), run { $0.prompts[1].perTokenLoss[0] += 0.5 })
        #expect(!loss.isNone && abs(loss.loss - 0.5) < 1e-6 && loss.largest == loss.loss)
        let top = ResultDifference(run(), run { $0.prompts[0].top[0].logprob -= 0.25 })
        #expect(!top.isNone && top.loss == 0 && abs(top.largest - 0.25) < 1e-6)
        let none = ResultDifference(run(), run { $0.loss = .nan })
        #expect(!none.isNone && !none.remark.isEmpty)
        let others = ResultDifference(run(), run { $0.prompts[0].top.removeFirst() })
        #expect(!others.isNone)
        // Equally likely ones may change places.
        #expect(ResultDifference(run(), run { $0.prompts[0].top.reverse() }).isNone)
        #expect(!ResultDifference(run(), Samples.sweep().result).isNone)
    }

    @Test func aSweepsEffectsAreCompared() {
        guard case .sweep(var reply, let sweep) = Samples.sweep().result else { return }
        reply.metrics[0].values[2] += 0.125
        let difference = ResultDifference(Samples.sweep().result, .sweep(reply, of: sweep))
        #expect(!difference.isNone && difference.loss == 0.125)
        reply.axes.removeLast()
        #expect(ResultDifference(Samples.sweep().result, .sweep(reply, of: sweep)).remark.contains("places"))
    }

    @Test func aTextThatGoesAnotherWayIsSaidWhere() {
        guard case .generation(var reply) = Samples.generation().result else { return }
        reply.prompts[0].tokens[3] = Token(id: 8, text: "t8")
        let difference = ResultDifference(Samples.generation().result, .generation(reply))
        #expect(!difference.isNone && difference.remark == "the text goes another way at token 3")
    }
}
