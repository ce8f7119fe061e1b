import LensCore
import LensEngine
import LensTestSupport
import Synchronization
import Testing

/// Generations whose next tokens come in one pass say what each says alone, bit for bit.
@Suite struct RidingGenerationTests {
    let fixture: EngineFixture

    init() throws { fixture = try EngineFixture("gpt-neo-3l-local", cacheBytes: 0) }

    private struct Question {
        let recipe: Recipe
        let options: GenerationOptions
        var control = CallControl()
    }

    private func prompt(_ number: Int) -> Prompt {
        .tokens([0] + (0..<2 + number % 5).map { Int32(1 + (number * 31 + $0 * 7) % 270) })
    }

    private func question(
        _ number: Int, prompts: Int = 1, edits: [InterventionSpec] = [], count: Int = 40
    ) throws -> Question {
        Question(
            recipe: try fixture.recipe((0..<prompts).map { prompt(number + 50 * $0) }, edits),
            options: GenerationOptions(
                maxNewTokens: count, temperature: number % 3 == 0 ? 0 : 0.9, seed: UInt64(number),
                stopsAtEOS: number % 2 == 0))
    }

    /// The first step of all ends when everybody else waits; then `watch` is told of each step.
    private final class Gate: Sendable {
        let engine: Engine
        let others: Int
        let watch: @Sendable (_ question: Int, _ step: Int) -> Void
        private let steps: Mutex<[Int: Int]> = Mutex([:])

        init(_ engine: Engine, others: Int, watch: @escaping @Sendable (Int, Int) -> Void) {
            self.engine = engine
            self.others = others
            self.watch = watch
        }

        func stepped(_ question: Int) {
            let (step, isFirst) = steps.withLock { steps in
                let isFirst = steps.isEmpty
                steps[question, default: 0] += 1
                return (steps[question] ?? 0, isFirst)
            }
            let giveUp = ContinuousClock.now + .seconds(20)
            while isFirst, engine.statistics.queuedJobs < others, ContinuousClock.now < giveUp {}
            watch(question, step)
        }
    }

    /// Generations of several users at once.
    private func together(
        _ questions: [Question], watch: @escaping @Sendable (_ question: Int, _ step: Int) -> Void = { _, _ in }
    ) async throws -> [Result<GenerateReply, LensError>] {
        let gate = Gate(fixture.engine, others: questions.count - 1, watch: watch)
        return await withTaskGroup(of: (Int, Result<GenerateReply, LensError>).self) { group in
            for (index, question) in questions.enumerated() {
                group.addTask { (index, await reply(to: question, index, gate)) }
            }
            var replies: [Int: Result<GenerateReply, LensError>] = [:]
            for await (index, reply) in group { replies[index] = reply }
            return questions.indices.compactMap { replies[$0] }
        }
    }

    private func reply(to question: Question, _ index: Int, _ gate: Gate) async -> Result<GenerateReply, LensError> {
        let engine = gate.engine.with(gate.engine.models, for: UInt32(index % 4))
        do throws(LensError) {
            let reply = try await engine.generate(
                question.options, recipe: question.recipe, control: question.control
            ) { _ in gate.stepped(index) }
            return .success(reply)
        } catch {
            return .failure(error)
        }
    }

    private func check(_ questions: [Question]) async throws {
        var expected: [GenerateReply] = []
        for question in questions {
            expected.append(
                try await fixture.engine.generate(
                    question.options, recipe: question.recipe, control: CallControl()
                ) { _ in })
        }
        let before = fixture.engine.statistics.passes.batched
        let found = try await together(questions)
        #expect(found.count == expected.count)
        for (found, expected) in zip(found, expected) {
            for (found, expected) in zip(try found.get().prompts, expected.prompts) {
                #expect(found.tokens == expected.tokens)
                #expect(found.logprobs == expected.logprobs)
                #expect(found.text == expected.text)
                #expect(found.finishReason == expected.finishReason)
            }
        }
        #expect(fixture.engine.statistics.passes.batched - before > 20)
    }

    @Test func plainGenerations() async throws {
        try await check(try (0..<10).map { try question($0) })
    }

    /// More prompts than one pass takes, of which some end before others.
    @Test func severalPromptsEach() async throws {
        try await check(try (0..<9).map { try question($0, prompts: 1 + $0 % 3, count: 10 + 5 * $0) })
    }

    @Test func withTheirOwnEdits() async throws {
        try await check(
            try (0..<8).map { number in
                let edits = [
                    InterventionSpec(hook: "z1", action: .zero, selection: Selection(heads: .index(number % 2))),
                    InterventionSpec(hook: "resid_mid0", action: .scale(1 + Float(number) / 20)),
                ]
                return try question(number, prompts: 1 + number % 2, edits: edits)
            })
    }

    /// Whoever leaves takes nobody along.
    @Test func oneIsCancelled() async throws {
        let questions = try (0..<6).map { try question($0 * 2 + 1) }
        let gone = questions[2].control
        let found = try await together(questions) { index, step in
            if index == 2, step == 5 { gone.cancel() }
        }
        for (index, found) in found.enumerated() {
            switch found {
            case .success(let reply):
                #expect(index != 2)
                let alone = try await fixture.engine.generate(
                    questions[index].options, recipe: questions[index].recipe, control: CallControl()
                ) { _ in }
                #expect(reply.prompts[0].logprobs == alone.prompts[0].logprobs)
            case .failure(let error):
                #expect(index == 2)
                #expect(error.code == .cancelled)
            }
        }
    }
}
