import LensCore
import LensModel
import LensTensor
import LensTestSupport
import Testing

/// A pass as a value: advanced, read, edited, copied, joined, parked.
@Suite struct ForwardStateTests {
    let subject: TestModel
    let points: [HookPoint]

    init() throws {
        subject = try TestModel("gpt-neo-3l-local")
        points = subject.model.configuration.hookPoints.filter { $0.kind != .tokens }
    }

    @Test func readingDoesNotChangeThePass() throws {
        let expected = try subject.begin(.processed, sequences: ["seq24"]).tokenLosses(on: subject.compute)
        var state = try subject.begin(.processed, sequences: ["seq24"])
        for point in points where point.kind != .logits {
            try state.advance(to: point, on: subject.compute)
            _ = state.activation(of: 0)
        }
        let found = try state.tokenLosses(on: subject.compute)
        #expect(excess(found[0], over: expected[0], absolute: 1e-5, relative: 1e-5) <= 0)
    }

    @Test func aPassDoesNotGoBack() throws {
        var state = try subject.begin(.processed, sequences: ["seq7"])
        try state.advance(to: HookPoint(.z, layer: 1), on: subject.compute)
        #expect(throws: LensError.self) { try state.advance(to: HookPoint(.q, layer: 1), on: subject.compute) }
        try state.advance(to: HookPoint(.z, layer: 1), on: subject.compute)
        #expect(state.point == HookPoint(.z, layer: 1))
    }

    @Test func raggedBatchesGiveEachSequenceWhatItGetsAlone() throws {
        let names = try subject.sequenceNames()
        for form in [ModelReference.Form.processed, .raw] {
            for point in points {
                var batch = try subject.begin(form, sequences: names)
                try batch.advance(to: point, on: subject.compute)
                for (index, name) in names.enumerated() {
                    var alone = try subject.begin(form, sequences: [name])
                    try alone.advance(to: point, on: subject.compute)
                    let worst = excess(
                        batch.activation(of: index).values, over: alone.activation(of: 0).values, absolute: 1e-5,
                        relative: 1e-5)
                    #expect(worst <= 0, "\(form) \(point) \(name): \(worst)")
                }
            }
        }
    }

    @Test func editsStayWithTheirSequence() throws {
        for point in points {
            var batch = try subject.begin(.processed, sequences: ["seq7", "seq7", "seq24"])
            try batch.advance(to: point, on: subject.compute)
            let others = [batch.activation(of: 0).values, batch.activation(of: 2).values]
            try batch.edit(1) { values, _ in for index in values.indices { values[index] = 0.5 } }
            #expect(batch.activation(of: 1).values.allSatisfy { $0 == 0.5 }, "\(point)")
            #expect([batch.activation(of: 0).values, batch.activation(of: 2).values] == others, "\(point)")
            let losses = try batch.tokenLosses(on: subject.compute)
            let plain = try subject.begin(.processed, sequences: ["seq7", "seq24"]).tokenLosses(on: subject.compute)
            #expect(excess(losses[0], over: plain[0], absolute: 1e-5, relative: 1e-5) <= 0, "\(point)")
            #expect(excess(losses[2], over: plain[1], absolute: 1e-5, relative: 1e-5) <= 0, "\(point)")
            #expect(losses[1] != plain[0], "an edit of \(point) had no effect")
        }
    }

    @Test func copiesAreIndependent() throws {
        for point in points {
            var original = try subject.begin(.processed, sequences: ["seq7"])
            try original.advance(to: point, on: subject.compute)
            var copy = original
            try copy.edit(0) { values, _ in for index in values.indices { values[index] += 1 } }
            let kept = original.activation(of: 0)
            let edited = copy.activation(of: 0)
            #expect(kept.values != edited.values, "\(point)")
            _ = try copy.tokenLosses(on: subject.compute)
            #expect(original.activation(of: 0).values == kept.values, "\(point)")
        }
    }

    /// At every point: an edited and a plain pass, and one of another length, go on together.
    @Test func joinedPassesGoOnAsTheyWouldAlone() throws {
        for point in points where point.kind != .logits {
            var plain = try subject.begin(.processed, sequences: ["seq7", "seq2"])
            try plain.advance(to: point, on: subject.compute)
            var edited = plain
            try edited.edit(0) { values, _ in for index in values.indices { values[index] += 0.25 } }
            var joined = try ForwardState.joining([(edited, 0), (plain, 1), (plain, 0), (edited, 0)])
            #expect(joined.tokens.map(\.count) == [7, 2, 7, 7])
            let end = HookPoint(.lnFinalNormalized)
            var endings: [Tensor] = []
            for state in [edited, plain] {
                var state = state
                try state.advance(to: end, on: subject.compute)
                endings += [state.activation(of: 0), state.activation(of: 1)]
            }
            try joined.advance(to: end, on: subject.compute)
            for (index, expected) in [endings[0], endings[3], endings[2], endings[0]].enumerated() {
                let worst = excess(
                    joined.activation(of: index).values, over: expected.values, absolute: 1e-5, relative: 1e-5)
                #expect(worst <= 0, "\(point), sequence \(index): \(worst)")
            }
        }
    }

    @Test func passesAtDifferentPointsDoNotJoin() throws {
        var one = try subject.begin(.processed, sequences: ["seq7"])
        let raw = try subject.begin(.raw, sequences: ["seq7"])
        let other = one
        try one.advance(to: HookPoint(.z, layer: 0), on: subject.compute)
        #expect(throws: LensError.self) { try ForwardState.joining([(one, 0), (other, 0)]) }
        #expect(throws: LensError.self) { try ForwardState.joining([(other, 0), (raw, 0)]) }
        #expect(throws: LensError.self) { try ForwardState.joining([]) }
    }

    /// Parked in the middle, other work done, then resumed: the same bits as without the pause.
    @Test func parkedPassesResume() throws {
        let expected = try subject.begin(.raw, sequences: ["seq24"]).tokenLosses(on: subject.compute)
        var parked: [ForwardState] = []
        for point in points where point.kind != .logits && !point.kind.isOnDemand {
            var state = try subject.begin(.raw, sequences: ["seq24"])
            try state.advance(to: point, on: subject.compute)
            parked.append(state)
        }
        _ = try subject.begin(.processed, sequences: ["seq7"]).tokenLosses(on: subject.compute)
        for state in parked {
            let found = try state.tokenLosses(on: subject.compute)
            #expect(excess(found[0], over: expected[0], absolute: 1e-5, relative: 1e-5) <= 0, "\(state.point)")
        }
    }

    @Test func lastLogitsAreTheLastRowOfTheLogits() throws {
        let names = try subject.sequenceNames()
        for form in [ModelReference.Form.processed, .raw] {
            let state = try subject.begin(form, sequences: names)
            let last = try state.lastLogits(of: 0..<names.count, on: subject.compute)
            var whole = state
            try whole.advance(to: HookPoint(.logits), on: subject.compute)
            let second = try state.lastLogits(of: 1..<2, on: subject.compute)
            #expect(excess(second.values, over: last.rows(1..<2).values, absolute: 1e-5, relative: 1e-5) <= 0)
            for index in names.indices {
                let logits = whole.activation(of: index)
                let row = logits.rows(logits.shape[0] - 1..<logits.shape[0])
                #expect(
                    excess(last.rows(index..<index + 1).values, over: row.values, absolute: 1e-5, relative: 1e-5) <= 0)
            }
        }
    }

    @Test func numberOfThreadsDoesNotChangeTheBits() throws {
        let one = try TestModel("gpt-neo-1l-16h", threads: 1)
        let two = try TestModel("gpt-neo-1l-16h", threads: 2)
        let found = try [one, two].map { try $0.begin(.processed, sequences: ["seq24"]).tokenLosses(on: $0.compute) }
        #expect(excess(found[0][0], over: found[1][0], absolute: 1e-6, relative: 1e-6) <= 0)
    }

    @Test func badTokensAreRefused() {
        let configuration = subject.model.configuration
        for tokens in [
            [], [-1], [Int32(configuration.dVocab)], Array(repeating: 0, count: configuration.nCtx + 1),
        ] as [[Int32]] {
            #expect(throws: LensError.self) { try ForwardState(subject.model, form: .raw, tokens: [tokens]) }
        }
    }

    @Test func cancelledPassesStop() throws {
        var state = try subject.begin(.processed, sequences: ["seq7"])
        let control = CallControl()
        control.cancel()
        let cancelled = Compute(pool: subject.compute.pool, control: control)
        #expect(throws: LensError.cancelled) { try state.advance(to: HookPoint(.logits), on: cancelled) }
    }
}
