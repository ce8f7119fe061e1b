import DequeModule
import LensCore
import LensModel
import LensTensor

/// Adds token after token to the prompts of a recipe, from kept keys and values.
///
/// A step runs one batch of prompts once: a part of their own tokens at first, then the one token that each got last.
/// Others have their turn between the steps, or their next tokens come in the same pass. The recipe's edits apply to each
/// step's new positions.
final class GenerateJob: RidingJob {
    /// Prompts that go on together.
    private struct Batch {
        /// Their numbers in the request.
        var prompts: [Int]
        var cache: KeyValueCache
        /// Per prompt, the tokens that are to be run next; at least one each.
        var waiting: [[Int32]]
    }

    private let subject: PassSubject
    private let progress: @Sendable ([GeneratedTokens]) -> Void
    private var draft: GenerationDraft
    private var batches: Deque<Batch> = []
    let cost: PassCost
    /// Of running one token of one prompt.
    private let operationsOfToken: Double

    /// - Parameter progress: gets the new tokens of each step, on the engine's thread.
    /// - Throws: as `GenerationDraft.init`.
    init(
        _ subject: PassSubject, options: GenerationOptions, seed: UInt64,
        progress: @escaping @Sendable ([GeneratedTokens]) -> Void
    ) throws(LensError) {
        self.subject = subject
        self.progress = progress
        draft = try GenerationDraft(subject, options: options, seed: seed)
        let open = draft.open
        let configuration = subject.configuration
        let begin = subject.operations(prompts: open, readRows: open.count)
        operationsOfToken = PassCost.operations(configuration, lengths: [1], readRows: 1)
        // Whatever was asked for: no text outgrows the context.
        let steps = min(options.maxNewTokens, configuration.nCtx)
        cost = PassCost(
            operations: begin + operationsOfToken * Double(open.count * steps), firstOperations: begin,
            rows: subject.rowCount + open.count * steps)
        for batch in subject.batches(open) where !open.isEmpty {
            batches.append(
                Batch(
                    prompts: batch,
                    cache: KeyValueCache(subject.model, form: subject.recipe.model.form, sequences: batch.count),
                    waiting: batch.map { subject.recipe.tokens[$0] }))
        }
    }

    /// Any step but the first, for as many prompts as cost hardly more than one.
    ///
    /// More would be computed by another kernel, and what is drawn under a seed must not hang on who else is there.
    var ride: PassRide? {
        guard batches.count == 1, let batch = batches.first, batch.prompts.count <= ComputePool.fewRows,
            batch.waiting.allSatisfy({ $0.count == 1 }), batch.cache.counts.allSatisfy({ $0 > 0 })
        else { return nil }
        return subject.ride(
            .nextToken, stops: subject.plan.points, rows: batch.prompts.count, rowLimit: ComputePool.fewRows,
            operations: operationsOfToken * Double(batch.prompts.count))
    }

    func step(on compute: Compute) throws(LensError) -> [GenerationDraft.Outcome]? {
        if batches.isEmpty { return draft.outcomes }
        return try Self.run([self], on: compute).first?.get() ?? nil
    }

    static func step(
        together jobs: [GenerateJob], on compute: Compute
    ) throws(LensError) -> [Result<[GenerationDraft.Outcome]?, LensError>] {
        do throws(LensError) {
            return try run(jobs, on: compute)
        } catch {
            // Keys and values of some layers have grown and of others have not: no step can be taken again.
            return jobs.map { _ in .failure(error) }
        }
    }

    /// One job's part of a pass.
    private struct Part {
        let job: GenerateJob
        var batch: Batch
        /// The batch's, among all sequences of the pass.
        let sequences: Range<Int>
        var news: [GeneratedTokens] = []
        var failure: LensError?

        /// Keeps what goes wrong with this part from the others.
        mutating func attempt(_ body: (inout Self) throws(LensError) -> Void) {
            guard failure == nil else { return }
            do throws(LensError) { try body(&self) } catch { failure = error }
        }
    }

    /// Runs the next batch of each job.
    private static func run(
        _ jobs: [GenerateJob], on compute: Compute
    ) throws(LensError) -> [Result<[GenerationDraft.Outcome]?, LensError>] {
        guard let subject = jobs.first?.subject else { return [] }
        var parts: [Part] = []
        var tokens: [[Int32]] = []
        var cache = KeyValueCache(subject.model, form: subject.recipe.model.form, sequences: 0)
        for job in jobs {
            guard var batch = job.batches.popFirst() else {
                throw LensError(.internal, "a generation that has come to its end was given a step")
            }
            let now = job.takeWaiting(&batch)
            cache.append(batch.cache.take())
            parts.append(Part(job: job, batch: batch, sequences: tokens.count..<tokens.count + now.count))
            tokens += now
        }
        var state = try ForwardState(
            subject.model, form: subject.recipe.model.form, tokens: tokens, continuing: cache.take())
        edit(&state, parts: &parts, control: compute.control)
        cache = try subject.finish(&state, on: compute) { (state) throws(LensError) in
            edit(&state, parts: &parts, control: compute.control)
        }
        for index in parts.indices { parts[index].batch.cache = cache.taking(Array(parts[index].sequences)) }
        if parts.allSatisfy({ $0.batch.waiting.allSatisfy(\.isEmpty) }) {
            try state.forEachLastLogits(on: compute) { (sequence, logits) throws(LensError) in
                guard let index = parts.firstIndex(where: { $0.sequences.contains(sequence) }) else { return }
                parts[index].attempt { (part) throws(LensError) in
                    let prompt = part.batch.prompts[sequence - part.sequences.lowerBound]
                    part.news.append(try part.job.draft.extend(prompt, by: logits))
                }
            }
        }
        // The jobs' are the only ones when they grow again.
        _ = cache.take()
        return parts.map { $0.job.end($0) }
    }

    private static func edit(_ state: inout ForwardState, parts: inout [Part], control: CallControl) {
        for index in parts.indices {
            parts[index].attempt { (part) throws(LensError) in
                try part.job.subject.plan.apply(
                    to: &state, sequences: part.sequences, prompts: part.batch.prompts, control: control)
            }
        }
    }

    /// Tells what is new and prepares the next step.
    private func end(_ part: Part) -> Result<[GenerationDraft.Outcome]?, LensError> {
        if let failure = part.failure { return .failure(failure) }
        var batch = part.batch
        if !part.news.isEmpty {
            progress(part.news)
            let open = batch.prompts.indices.filter { draft.isOpen(batch.prompts[$0]) }
            if open.count < batch.prompts.count {
                batch.cache = batch.cache.take().taking(open)
                batch.prompts = open.map { batch.prompts[$0] }
            }
            batch.waiting = batch.prompts.map { draft.newestToken(of: $0) }
        }
        if !batch.prompts.isEmpty { batches.append(batch) }
        return .success(batches.isEmpty ? draft.outcomes : nil)
    }

    /// The tokens of the next step: all that wait, or of a prompt that exceeds the row budget alone as many as fit.
    /// Edits are held against whole prompts, so that those are not cut.
    private func takeWaiting(_ batch: inout Batch) -> [[Int32]] {
        let whole = batch.waiting
        guard whole.count == 1, whole[0].count > subject.budget.rows, subject.plan.points.isEmpty else {
            batch.waiting = whole.map { _ in [] }
            return whole
        }
        batch.waiting = [Array(whole[0].dropFirst(subject.budget.rows))]
        return [Array(whole[0].prefix(subject.budget.rows))]
    }
}

extension PassSubject {
    /// Takes a pass with kept keys and values to where the next tokens can be chosen.
    ///
    /// - Parameter edit: makes the edits of a point on the way; those of the point where it stands are made already.
    /// - Returns: the keys and values, for the pass that goes on.
    func finish(
        _ state: inout ForwardState, on compute: Compute, edit: (inout ForwardState) throws(LensError) -> Void
    ) throws(LensError) -> KeyValueCache {
        for point in plan.points where point > state.point {
            try state.advance(to: point, on: compute)
            try edit(&state)
        }
        let end = HookPoint(.residPost, layer: configuration.nLayers - 1)
        try state.advance(to: max(state.point, end), on: compute)
        return try state.takeKept()
    }
}

extension ForwardState {
    /// Gives the logits of each sequence's last position, `[dVocab]`, which may be overwritten.
    func forEachLastLogits(
        on compute: Compute,
        _ body: (_ sequence: Int, _ logits: UnsafeMutableBufferPointer<Float>) throws(LensError) -> Void
    ) throws(LensError) {
        // Some sequences at a time: logits of them all need not fit into memory.
        for start in stride(from: 0, to: tokens.count, by: 64) {
            let some = start..<min(start + 64, tokens.count)
            var logits = try lastLogits(of: some, on: compute)
            let width = logits.rowWidth
            try logits.withMutablePointer { (logits) throws(LensError) in
                for (row, sequence) in some.enumerated() {
                    try compute.control.check()
                    try body(sequence, UnsafeMutableBufferPointer(start: logits + row * width, count: width))
                }
            }
        }
    }
}
