import LensCore
import LensEngine
import LensTestSupport
import Testing

@Suite struct EngineTests {
    let fixture: EngineFixture

    init() throws { fixture = try EngineFixture("gpt-neo-1l-16h") }

    @Test func runsGiveTheReferencesLosses() async throws {
        let sequences = ["seq7", "seq1", "seq24", "seq48", "seq2"]
        let reply = try await fixture.run(try fixture.recipe(.processed, sequences), top: 5)
        for (prompt, sequence) in zip(reply.prompts, sequences) {
            #expect(prompt.tokens.map(\.id) == (try fixture.tokens(sequence)))
            #expect(prompt.top.count == 5)
            #expect(prompt.top.map(\.logprob) == prompt.top.map(\.logprob).sorted(by: >))
            if sequence == "seq1" {
                #expect(prompt.loss.isNaN)
            } else {
                let expected = Double(try fixture.reference.floats("processed/\(sequence)/loss")[0])
                #expect(abs(prompt.loss - expected) <= 1e-5)
            }
            // The best prediction is the largest logit of the reference's last row.
            let logits = try fixture.reference.floats("processed/\(sequence)/logits").suffix(320)
            let best = logits.max()
            #expect(logits.firstIndex { $0 == best }.map { Int32($0 - logits.startIndex) } == prompt.top[0].token.id)
        }
        let all = reply.prompts.flatMap(\.perTokenLoss)
        #expect(abs(reply.loss - all.reduce(0.0) { $0 + Double($1) } / Double(all.count)) <= 1e-9)
    }

    @Test func badRequestsNameWhatIsWrong() throws {
        let engine = fixture.engine
        func refusal(
            _ prompts: [Prompt], _ edits: [InterventionSpec] = [], model: String = "tiny"
        ) -> LensError? {
            do throws(LensError) {
                _ = try engine.prepare(model: ModelReference(parsing: model), prompts: prompts, interventions: edits)
                return nil
            } catch {
                return error
            }
        }
        let good = [Prompt.tokens([0, 1])]
        #expect(refusal(good) == nil)
        #expect(refusal(good, model: "other")?.code == .notFound)
        #expect(refusal(good, model: "other")?.message.contains("tiny") == true)
        #expect(refusal(good, model: "tiny@cooked")?.code == .invalidArgument)
        #expect(refusal([])?.code == .invalidArgument)
        #expect(refusal([.text("", prependBOS: true)])?.message.contains("empty") == true)
        #expect(refusal([.tokens([])])?.code == .invalidArgument)
        #expect(refusal([.tokens([0, 320])])?.message == "token id at position 1 must be in 0...319; received 320")
        #expect(refusal([.tokens([-1])])?.code == .invalidArgument)
        #expect(refusal([.tokens(Array(repeating: 0, count: 49))])?.message.contains("48") == true)
        #expect(refusal([.text(String(repeating: "x", count: 100_000), prependBOS: true)])?.code == .invalidArgument)
        #expect(refusal(good + [.tokens([999])])?.message.hasPrefix("prompt 1: ") == true)
        #expect(
            refusal(good, [InterventionSpec(hook: "z0", action: .zero, selection: Selection(heads: .index(16)))])?
                .message
                == "zero at blocks.0.attn.hook_z: head must be in 0...15; received 16")
        #expect(
            refusal(good, [InterventionSpec(hook: "z0", action: .zero, selection: Selection(heads: .list([1, 1])))])?
                .code == .invalidArgument)
        let many = Array(repeating: InterventionSpec(hook: "z0", action: .zero), count: 5000)
        #expect(refusal(good, many)?.message.contains("5000") == true)
        let long = Prompt.tokens(Array(repeating: 0, count: 48))
        let heavy = Array(repeating: InterventionSpec(hook: "pattern0", action: .mean), count: 4000)
        #expect(refusal(Array(repeating: long, count: 10), heavy)?.message.contains("values") == true)
        let contradiction = [
            InterventionSpec(hook: "q_input0", action: .zero), InterventionSpec(hook: "normalized0ln1", action: .zero),
        ]
        #expect(refusal(good, contradiction)?.code == .invalidArgument)
        #expect(refusal(good, [contradiction[1]]) == nil)
        #expect(refusal(good, [InterventionSpec(hook: "z1", action: .zero)])?.code == .notFound)
        #expect(
            refusal(
                good, [InterventionSpec(hook: "resid_pre0", action: .zero, selection: Selection(heads: .index(0)))])?
                .code == .invalidArgument)
        #expect(refusal(good, [InterventionSpec(hook: "hook_tokens", action: .zero)])?.code == .invalidArgument)
    }

    @Test func repliesThatCannotFitAreRefused() async throws {
        let one = try fixture.recipe(.raw, ["seq2"])
        for (recipe, top) in [
            (one, 321), (one, -1), (try fixture.recipe(.raw, Array(repeating: "seq1", count: 2000)), 200),
        ] {
            let error = await #expect(throws: LensError.self) { try await fixture.run(recipe, top: top) }
            #expect(error?.code == .invalidArgument)
        }
        #expect(try await fixture.run(one, top: 320).prompts[0].top.count == 320)
        let crowd = try fixture.recipe(.raw, Array(repeating: "seq1", count: 20_000))
        let neurons = SweepSpec(edits: [InterventionSpec(hook: "post", action: .zero)], axes: [.layer, .component])
        do {
            _ = try await fixture.sweep(neurons, of: crowd)
            Issue.record("a reply of five million numbers was not refused")
        } catch {
            #expect("\(error)".contains("fewer prompts"))
        }
    }

    /// More prompts than one batch of logits holds: each gets its own predictions.
    @Test func manyPromptsGetTheirOwnPredictions() async throws {
        let sequences = (0..<150).map { ["seq1", "seq2", "seq7"][$0 % 3] }
        let reply = try await fixture.run(try fixture.recipe(.processed, sequences), top: 3)
        for (index, sequence) in sequences.enumerated() {
            #expect(reply.prompts[index].top.map(\.token) == reply.prompts[index % 3].top.map(\.token), "\(sequence)")
        }
    }

    @Test func cancelledCallsEndAtOnce() async throws {
        let recipe = try fixture.recipe(.processed, ["seq24"])
        let control = CallControl()
        control.cancel()
        await #expect(throws: LensError.cancelled) {
            try await fixture.engine.run(
                RunRequest(model: recipe.model, prompts: [], isRecorded: false), recipe: recipe, control: control)
        }
        let late = CallControl(deadline: .now - .seconds(1))
        await #expect(throws: LensError.deadlineExceeded) {
            try await fixture.engine.run(
                RunRequest(model: recipe.model, prompts: [], isRecorded: false), recipe: recipe, control: late)
        }
    }

    /// Many calls at once, each with its own answer.
    @Test func concurrentCallsGetTheirOwnAnswers() async throws {
        let sequences = ["seq2", "seq7", "seq24", "seq48"]
        var expected: [String: Double] = [:]
        for sequence in sequences {
            expected[sequence] = try await fixture.run(try fixture.recipe(.raw, [sequence])).loss
        }
        let answers = expected
        try await withThrowingTaskGroup(of: Void.self) { group in
            for index in 0..<64 {
                let sequence = sequences[index % sequences.count]
                group.addTask {
                    let reply = try await fixture.run(try fixture.recipe(.raw, [sequence]))
                    #expect(reply.loss == answers[sequence])
                }
            }
            try await group.waitForAll()
        }
    }

    @Test func stoppedEnginesRefuse() async throws {
        let other = try EngineFixture("gpt-neo-1l-16h")
        let recipe = try other.recipe(.raw, ["seq7"])
        other.engine.stop()
        let error = await #expect(throws: LensError.self) { try await other.run(recipe) }
        #expect(error?.code == .unavailable)
    }

    @Test func textIsTokenizedWithAndWithoutBOS() throws {
        let reply = try fixture.engine.tokenize(
            TokenizeRequest(
                model: ModelReference(name: nil),
                prompts: [.text("", prependBOS: false), .text("", prependBOS: true), .text("a b", prependBOS: true)]))
        #expect(reply.tokens[0].isEmpty)
        #expect(reply.tokens[1].map(\.id) == [0])
        #expect(reply.tokens[2].first?.id == 0)
        #expect(reply.tokens[2].dropFirst().map(\.text).joined() == "a b")
    }
}
