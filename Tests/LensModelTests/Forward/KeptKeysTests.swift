import LensCore
import LensModel
import LensTensor
import LensTestSupport
import Testing

/// Passes that go on from kept keys and values, against the pass over everything at once.
@Suite struct KeptKeysTests {
    /// A batch whose sequences are fed in chunks of these lengths, one call after the other.
    private static let feeds: [[[Int]]] = [
        [[7], [2, 5]],
        [[1, 1, 1, 4], [3, 1, 2, 1], [4, 1, 1, 1]],
    ]

    @Test(arguments: ForwardParityTests.cases)
    func everyActivationIsThatOfTheWholePass(checkpoint: String, form: ModelReference.Form) throws {
        let subject = try TestModel(checkpoint)
        let tokens = try subject.tokens("seq7")
        for point in subject.model.configuration.hookPoints {
            var whole = try subject.begin(form, sequences: ["seq7"])
            try whole.advance(to: point, on: subject.compute)
            let expected = whole.activation(of: 0)
            for feed in Self.feeds {
                try Passes(subject, form, Array(repeating: tokens, count: feed.count)).run(feed) { state, rows in
                    try state.advance(to: point, on: subject.compute)
                    for (sequence, positions) in rows.enumerated() {
                        let wanted = expected.positions(positions, of: point.kind)
                        let found = state.activation(of: sequence)
                        #expect(found.shape == wanted.shape, "\(point)")
                        let worst = excess(found.values, over: wanted.values, absolute: 1e-5, relative: 1e-5)
                        #expect(worst <= 0, "\(point), positions \(positions): \(worst)")
                    }
                }
            }
        }
    }

    /// A whole context, token by token, beside a sequence that is further on.
    @Test(arguments: ["gpt-neo-1l-16h", "gpt-neo-3l-local"])
    func aWholeContextGoesTokenByToken(checkpoint: String) throws {
        let subject = try TestModel(checkpoint)
        let count = 24
        let tokens = try subject.tokens("seq24")
        let whole = try subject.begin(.processed, sequences: ["seq24"])
        var logits = whole
        try logits.advance(to: HookPoint(.logits), on: subject.compute)
        let expected = logits.activation(of: 0)
        let feed = [Array(repeating: 1, count: count - 3), [4] + Array(repeating: 1, count: count - 4)]
        try Passes(subject, .processed, [tokens, tokens]).run(feed) { state, rows in
            let last = try state.lastLogits(of: 0..<2, on: subject.compute)
            try state.advance(
                to: HookPoint(.residPost, layer: subject.model.configuration.nLayers - 1), on: subject.compute)
            for (sequence, positions) in rows.enumerated() {
                let wanted = expected.rows(positions.upperBound - 1..<positions.upperBound)
                let worst = excess(
                    last.rows(sequence..<sequence + 1).values, over: wanted.values, absolute: 1e-5, relative: 1e-5)
                #expect(worst <= 0, "position \(positions): \(worst)")
            }
        }
    }

    /// What edits of keys and values wrote is what later positions attend to; all others reach them through the keys
    /// and values of the next layer.
    @Test func editsReachWhatIsKept() throws {
        let subject = try TestModel("gpt-neo-3l-local")
        let tokens = try subject.tokens("seq7")
        let last = HookPoint(.logits)
        for kind in [HookKind.residPre, .vInput, .q, .k, .v, .pattern, .z, .mlpPost] {
            let point = HookPoint(kind, layer: 1)
            func shifted(_ positions: Range<Int>) -> (inout ForwardState) throws -> Void {
                { state in
                    try state.advance(to: point, on: subject.compute)
                    let heads = kind == .pattern ? 4 : 1
                    try state.edit(0) { values, shape in
                        // The first three positions, wherever the pass begins.
                        let rows = kind == .pattern ? shape[1] : shape[0]
                        let width = values.count / heads / rows
                        // Of a pattern the first source, which every position sees.
                        let columns = kind == .pattern ? 1 : 3
                        for head in 0..<heads {
                            for row in 0..<rows where row + positions.lowerBound < 3 {
                                for column in 0..<columns { values[(head * rows + row) * width + column] += 0.5 }
                            }
                        }
                    }
                }
            }
            var whole = try subject.begin(.raw, sequences: ["seq7"])
            let plain = whole
            try shifted(0..<7)(&whole)
            try whole.advance(to: last, on: subject.compute)
            let expected = whole.activation(of: 0)
            try Passes(subject, .raw, [tokens]).run([[2, 1, 2, 2]]) { state, rows in
                try shifted(rows[0])(&state)
                var end = state
                try end.advance(to: last, on: subject.compute)
                let wanted = expected.positions(rows[0], of: .logits)
                let worst = excess(end.activation(of: 0).values, over: wanted.values, absolute: 2e-5, relative: 2e-5)
                #expect(worst <= 0, "\(point), positions \(rows[0]): \(worst)")
            }
            var unedited = plain
            try unedited.advance(to: last, on: subject.compute)
            let tail = 4..<7
            let changes = excess(
                expected.rows(tail).values, over: unedited.activation(of: 0).rows(tail).values, absolute: 1e-4)
            #expect(changes > 0, "an edit of \(point) reached no later position")
        }
    }

    @Test func joinedPassesKeepTheirOwn() throws {
        let subject = try TestModel("gpt-neo-3l-local")
        let tokens = try subject.tokens("seq7")
        let end = HookPoint(.lnFinalNormalized)
        var whole = try subject.begin(.processed, sequences: ["seq7"])
        try whole.advance(to: end, on: subject.compute)
        let expected = whole.activation(of: 0)
        var parts: [ForwardState] = []
        for split in [2, 5] {
            var first = try ForwardState(
                subject.model, form: .processed, tokens: [Array(tokens[..<split])],
                continuing: KeyValueCache(subject.model, form: .processed, sequences: 1))
            try first.advance(to: HookPoint(.z, layer: 2), on: subject.compute)
            var second = try ForwardState(
                subject.model, form: .processed, tokens: [Array(tokens[split...])], continuing: first.takeKept())
            try second.advance(to: HookPoint(.pattern, layer: 1), on: subject.compute)
            parts.append(second)
        }
        var joined = try ForwardState.joining([(parts[1], 0), (parts[0], 0), (parts[1], 0)])
        try joined.advance(to: end, on: subject.compute)
        for (sequence, split) in [5, 2, 5].enumerated() {
            let worst = excess(
                joined.activation(of: sequence).values, over: expected.rows(split..<7).values, absolute: 1e-5,
                relative: 1e-5)
            #expect(worst <= 0, "\(split): \(worst)")
        }
        #expect(try joined.takeKept().counts == [7, 7, 7])
        // A pass with kept keys and one without do not join.
        var plain = try subject.begin(.processed, sequences: ["seq7"])
        try plain.advance(to: HookPoint(.pattern, layer: 1), on: subject.compute)
        #expect(throws: LensError.self) { try ForwardState.joining([(plain, 0), (parts[0], 0)]) }
    }

    @Test func whatDoesNotBelongIsRefused() throws {
        let subject = try TestModel("gpt-neo-3l-local")
        let other = try TestModel("gpt-neo-1l-16h")
        let tokens = try subject.tokens("seq24")
        let empty = KeyValueCache(subject.model, form: .raw, sequences: 1)
        func begin(_ tokens: [[Int32]], _ cache: KeyValueCache) throws -> ForwardState {
            try ForwardState(subject.model, form: .raw, tokens: tokens, continuing: cache)
        }
        #expect(throws: LensError.self) { try begin([[1], [1]], empty) }
        #expect(throws: LensError.self) {
            try begin([[1]], KeyValueCache(subject.model, form: .processed, sequences: 1))
        }
        #expect(throws: LensError.self) { try begin([[1]], KeyValueCache(other.model, form: .raw, sequences: 1)) }
        #expect(throws: LensError.self) { try begin([[]], empty) }
        var state = try begin([tokens], empty)
        #expect(throws: LensError.self) { try state.takeKept() }
        try state.advance(to: HookPoint(.v, layer: 2), on: subject.compute)
        #expect(throws: LensError.self) { try state.takeKept() }
        try state.advance(to: HookPoint(.z, layer: 2), on: subject.compute)
        let kept = try state.takeKept()
        #expect(kept.counts == [24])
        // The context is 32: eight more fit, nine do not.
        _ = try begin([Array(repeating: 1, count: 8)], kept)
        let error = #expect(throws: LensError.self) { try begin([Array(repeating: 1, count: 9)], kept) }
        #expect(error?.message.contains("32") == true)
    }
}

/// Sequences that are run piece by piece.
private struct Passes {
    let subject: TestModel
    let form: ModelReference.Form
    let tokens: [[Int32]]

    init(_ subject: TestModel, _ form: ModelReference.Form, _ tokens: [[Int32]]) {
        self.subject = subject
        self.form = form
        self.tokens = tokens
    }

    /// - Parameters:
    ///   - feed: per sequence, the lengths of its pieces; all have equally many.
    ///   - body: sees each pass at its beginning, and the positions of each sequence's rows.
    func run(_ feed: [[Int]], _ body: (inout ForwardState, [Range<Int>]) throws -> Void) throws {
        var cache = KeyValueCache(subject.model, form: form, sequences: tokens.count)
        for piece in feed[0].indices {
            let rows = feed.map { lengths in
                let first = lengths[..<piece].reduce(0, +)
                return first..<first + lengths[piece]
            }
            #expect(cache.counts == rows.map(\.lowerBound))
            var state = try ForwardState(
                subject.model, form: form, tokens: zip(tokens, rows).map { Array($0[$1]) }, continuing: cache)
            try body(&state, rows)
            try state.advance(
                to: max(state.point, HookPoint(.z, layer: subject.model.configuration.nLayers - 1)), on: subject.compute
            )
            cache = try state.takeKept()
        }
    }
}

extension Tensor {
    /// What a pass over some positions, the last ones so far, has of a whole pass's activation.
    fileprivate func positions(_ positions: Range<Int>, of kind: HookKind) -> Tensor {
        guard kind == .attnScores || kind == .pattern else { return rows(positions) }
        let (heads, total) = (shape[0], shape[1])
        var part: [Float] = []
        for head in 0..<heads {
            for position in positions {
                let row = (head * total + position) * total
                part += values[row..<row + positions.upperBound]
            }
        }
        return Tensor(part, shape: [heads, positions.count, positions.upperBound])
    }
}
