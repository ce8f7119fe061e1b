import LensCore
import LensEngine
import LensTestSupport
import Testing

/// Against TransformerLens's `FactoredMatrix` in float64 (`Tests/Fixtures/circuits.py`).
@Suite struct CircuitTests {
    private static let checkpoints = [
        "gpt-neo-1l-untied", "gpt-neo-3l-local", "families/gpt2-3l-scaled", "families/llama-3l-grouped",
        "families/gemma2-2l", "families/qwen3-2l", "families/bloom-2l", "families/toy-attn-only-2l",
    ]
    private static let rows: [Int32] = [3, 259, 3]
    private static let top = 4

    private func circuits(
        _ fixture: EngineFixture, _ kind: CircuitKind, _ form: ModelReference.Form = .processed,
        heads: [HeadPlace] = [], tokens: [Int32] = [], top: Int = CircuitTests.top, smallest: Bool = false
    ) async throws -> HeadCircuits {
        try await fixture.engine.circuits(
            CircuitRequest(
                model: ModelReference(name: "tiny", form: form), kind: kind, heads: heads, tokens: tokens,
                topCount: top, wantsSmallest: smallest),
            control: CallControl()
        ) { _, _ in }
    }

    /// Eigenvalues, their scores and the largest entries of every head, in both forms.
    @Test(arguments: checkpoints) func circuitsAgreeWithTransformerLens(_ checkpoint: String) async throws {
        let fixture = try EngineFixture(checkpoint)
        let reference = try Fixtures.reference("circuits")
        for form in [ModelReference.Form.processed, .raw] {
            for kind in CircuitKind.allCases {
                let key = "\(checkpoint)/\(form)/\(kind)"
                let shape = try reference.shape("\(key)/eigenvalues")
                let byRow = try await circuits(fixture, kind, form, tokens: Self.rows)
                let largest = try await circuits(fixture, kind, form)
                let smallest = try await circuits(fixture, kind, form, smallest: true)
                #expect(byRow.heads.count == shape[0] * shape[1] && byRow.kind == kind && byRow.form == form)
                let places = (0..<shape[0]).flatMap { layer in
                    (0..<shape[1]).map { HeadPlace(layer: layer, head: $0) }
                }
                #expect(byRow.heads.map(\.place) == places)
                let scores = byRow.heads.flatMap { [Float($0.score), Float($0.bareScore)] }
                #expect(agree(scores, try reference.floats("\(key)/scores")), "\(key)")
                let eigenvalues = byRow.heads.flatMap(\.eigenvalues)
                // The order of equally large ones is nobody's.
                #expect(
                    agree(
                        eigenvalues.map { Float($0.magnitude) }, try magnitudes(reference, "\(key)/eigenvalues")),
                    "\(key)")
                for (name, found) in [("rows", byRow), ("largest", largest), ("smallest", smallest)] {
                    let values = found.heads.flatMap { $0.entries.map(\.value) }
                    #expect(agree(values, try reference.floats("\(key)/\(name)")), "\(key)/\(name)")
                }
                #expect(byRow.heads[0].entries.map(\.row.id) == Self.rows.flatMap { Array(repeating: $0, count: 4) })
            }
        }
    }

    private func magnitudes(_ reference: ReferenceTensors, _ name: String) throws -> [Float] {
        let values = try reference.floats(name)
        return stride(from: 0, to: values.count, by: 2).map { index in
            Float(Eigenvalue(real: Double(values[index]), imaginary: Double(values[index + 1])).magnitude)
        }
    }

    /// The entries of the whole circuit are the largest of all its rows, with their tokens.
    @Test func entriesOfAllRowsAreThoseOfTheCircuit() async throws {
        let fixture = try EngineFixture("gpt-neo-1l-untied")
        let head = [HeadPlace(layer: 0, head: 2)]
        let all = try await circuits(fixture, .qk, heads: head, tokens: (0..<272).map { Int32($0) }, top: 20)
        let rows = try #require(all.heads.first).entries.sorted { $0.value > $1.value }.prefix(20)
        let pairs = try #require(try await circuits(fixture, .qk, heads: head, top: 20).heads.first).entries
        #expect(pairs.map(\.row) == rows.map(\.row) && pairs.map(\.column) == rows.map(\.column))
        #expect(agree(pairs.map(\.value), rows.map(\.value)))
    }

    /// Asked again, in another order, with more than there is: the same numbers, and no more than there are.
    @Test func headsComeAsTheyWereAskedFor() async throws {
        let fixture = try EngineFixture("gpt-neo-3l-local")
        let places = [HeadPlace(layer: 2, head: 1), HeadPlace(layer: 0, head: 3)]
        let all = try await circuits(fixture, .ov)
        let some = try await circuits(fixture, .ov, heads: places)
        #expect(some.heads.map(\.place) == places)
        #expect(some.heads == [all.heads[9], all.heads[3]])
        let none = try await circuits(fixture, .ov, heads: places, top: 0)
        #expect(none.heads.allSatisfy { $0.entries.isEmpty } && none.heads[0].score == some.heads[0].score)
    }

    /// With a cache that keeps the eigenvalues and not what they were computed from, and one that keeps nothing.
    @Test(arguments: [12 << 10, 0]) func smallCachesMakeNoDifference(_ bytes: Int) async throws {
        let small = try EngineFixture("gpt-neo-3l-local", cacheBytes: bytes)
        let expected = try await circuits(try EngineFixture("gpt-neo-3l-local"), .ov)
        for _ in 0..<3 { #expect(try await circuits(small, .ov) == expected) }
        #expect((small.engine.statistics.cacheHits > 0) == (bytes > 0))
    }

    @Test func whatIsOutOfRangeIsRefused() async throws {
        let fixture = try EngineFixture("gpt-neo-3l-local")
        let last = HeadPlace(layer: 2, head: 3)
        for (heads, tokens, top, word) in [
            ([HeadPlace(layer: 3, head: 0)], [], 1, "layer"), ([HeadPlace(layer: 0, head: 4)], [], 1, "head"),
            ([], [280], 1, "token id"), ([], [], 101, "top_count"),
            ([], Array(repeating: 1, count: 300), 100, "entries"),
            (Array(repeating: last, count: 13), [], 1, "12 heads"),
        ] as [([HeadPlace], [Int32], Int, String)] {
            let error = await #expect(throws: LensError.self) {
                try await circuits(fixture, .ov, heads: heads, tokens: tokens, top: top)
            }
            #expect(error?.code == .invalidArgument && error?.message.contains(word) == true, "\(word)")
        }
    }

    /// Progress goes to its end and never back.
    @Test func progressIsThatOfTheWhole() async throws {
        let fixture = try EngineFixture("gpt-neo-3l-local")
        let log = ProgressLog()
        _ = try await fixture.engine.circuits(
            CircuitRequest(model: ModelReference(name: "tiny"), kind: .qk, topCount: 3), control: CallControl()
        ) { log.append(($0, $1)) }
        let done = log.all.map(\.done)
        #expect(done == done.sorted() && done.last == 1000 && done.count > 3)
    }

    @Test func aCancelledCallEnds() async throws {
        let fixture = try EngineFixture("gpt-neo-3l-local")
        let control = CallControl()
        let error = await #expect(throws: LensError.self) {
            try await fixture.engine.circuits(
                CircuitRequest(model: ModelReference(name: "tiny"), kind: .ov), control: control
            ) { _, _ in control.cancel() }
        }
        #expect(error?.code == .cancelled)
    }
}
