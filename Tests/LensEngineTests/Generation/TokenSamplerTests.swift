import LensCore
import LensEngine
import LensTestSupport
import Testing

@Suite struct TokenSamplerTests {
    /// Against transformers' warpers and, with a penalty, TransformerLens's `sample_logits`.
    @Test func filtersLeaveWhatTheReferencesLeave() throws {
        let records = try FilterRecord.all()
        #expect(records.count > 30)
        for record in records {
            let options = GenerationOptions(
                maxNewTokens: 1, temperature: record.temperature, topK: record.topK, topP: record.topP,
                frequencyPenalty: record.frequencyPenalty)
            let sampler = TokenSampler(options, seed: 0, stream: 0, prompt: record.tokens)
            let found = sampler.probabilities(record.logits)
            // The record has eight decimals; what it has at zero has as good as none.
            for (found, expected) in zip(found, record.probabilities) {
                #expect(expected == 0 ? found < 1e-8 : found > 0, "\(options)")
            }
            let worst = excess(found, over: record.probabilities, absolute: 1e-6, relative: 1e-5)
            #expect(worst <= 0, "\(options): \(worst)")
        }
    }

    /// 20 000 draws against the distribution: chi-square with 7 degrees of freedom, the seeds fixed.
    @Test(arguments: [UInt64(1), 2, 3])
    func drawsFollowTheDistribution(seed: UInt64) throws {
        let logits: [Float] = [0, 1, -1, 0.5, 2, -2, 0.25, 1.5]
        var sampler = TokenSampler(
            GenerationOptions(maxNewTokens: 1, temperature: 1.3), seed: seed, stream: 0, prompt: [])
        let expected = sampler.probabilities(logits)
        var counts = [Double](repeating: 0, count: logits.count)
        let draws = 20_000.0
        for _ in 0..<Int(draws) { counts[Int(try draw(&sampler, logits).id)] += 1 }
        let chiSquare = zip(counts, expected).reduce(0.0) { sum, pair in
            let wanted = Double(pair.1) * draws
            return sum + (pair.0 - wanted) * (pair.0 - wanted) / wanted
        }
        // The 0.1 % point is 24.3; a generator whose draws hang together exceeds it, one without chance stays near 0.
        #expect(chiSquare < 24.3)
        #expect(chiSquare > 0.2)
    }

    @Test func theSeedDecides() throws {
        let logits = [Float](repeating: 0, count: 1000)
        func draws(seed: UInt64, stream: Int) throws -> [Int32] {
            var sampler = TokenSampler(GenerationOptions(maxNewTokens: 1), seed: seed, stream: stream, prompt: [])
            return try (0..<20).map { _ in try draw(&sampler, logits).id }
        }
        let first = try draws(seed: 7, stream: 0)
        #expect(try draws(seed: 7, stream: 0) == first)
        #expect(try draws(seed: 8, stream: 0) != first)
        #expect(try draws(seed: 7, stream: 1) != first)
        // Neighbouring seeds and streams do not meet.
        #expect(try draws(seed: 8, stream: 1) != draws(seed: 9, stream: 0))
        #expect(Set(first).count > 15)
    }

    @Test func logprobsAreTheModelsOwn() throws {
        let logits: [Float] = [3, 1, 0, 3]
        let total = logits.reduce(0.0) { $0 + exponential(Double($1)) }
        var greedy = TokenSampler(GenerationOptions(maxNewTokens: 1, temperature: 0), seed: 0, stream: 0, prompt: [])
        let best = try draw(&greedy, logits)
        // The first of equals.
        #expect(best.id == 0)
        #expect(abs(exponential(Double(best.logprob)) - exponential(3) / total) <= 1e-6)
        let options = GenerationOptions(maxNewTokens: 1, temperature: 100, topK: 4, frequencyPenalty: 0.5)
        var warm = TokenSampler(options, seed: 3, stream: 0, prompt: [0, 0, 0])
        for _ in 0..<50 {
            let (id, logprob) = try draw(&warm, logits)
            #expect(abs(exponential(Double(logprob)) - exponential(Double(logits[Int(id)])) / total) <= 1e-6)
        }
    }

    @Test func whatIsNoDistributionIsRefused() throws {
        for logits in [[Float.nan, 0], [.infinity, 0], [-.infinity, -.infinity]] {
            for temperature in [0.0, 1] {
                var sampler = TokenSampler(
                    GenerationOptions(maxNewTokens: 1, temperature: temperature), seed: 0, stream: 0, prompt: [])
                #expect(throws: LensError.self) { try draw(&sampler, logits) }
            }
        }
        // Masked tokens are never drawn, however warm it is; and hardly warm at all is greedy.
        for temperature in [1e-300, 1e-6, 1e30] {
            var sampler = TokenSampler(
                GenerationOptions(maxNewTokens: 1, temperature: temperature), seed: 5, stream: 0, prompt: [])
            for _ in 0..<20 {
                let id = try draw(&sampler, [-.infinity, 2, 1, -.infinity]).id
                #expect(temperature > 1 ? [1, 2].contains(id) : id == 1)
            }
        }
    }

    private func draw(_ sampler: inout TokenSampler, _ logits: [Float]) throws -> (id: Int32, logprob: Float) {
        var logits = logits
        var outcome: Result<(id: Int32, logprob: Float), LensError> = .failure(LensError(.internal, "no logits"))
        logits.withUnsafeMutableBufferPointer { buffer in
            do throws(LensError) {
                outcome = .success(try sampler.next(from: buffer))
            } catch {
                outcome = .failure(error)
            }
        }
        return try outcome.get()
    }

    /// `exp` without a C library's header.
    private func exponential(_ value: Double) -> Double {
        var term = 1.0
        var sum = 1.0
        for step in 1..<200 {
            term *= value / Double(step)
            sum += term
        }
        return sum
    }
}
