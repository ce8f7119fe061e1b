import DequeModule
import LensCore
import LensModel
import LensTensor

/// Adds token after token to the prompts of a recipe, from kept keys and values.
///
/// A step runs one batch of prompts once: a part of their own tokens at first, then the one token that each got last.
/// Others have their turn between the steps. The recipe's edits apply to each step's new positions.
final class GenerateJob: PassJob {
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
        let token = PassCost.operations(
            configuration, lengths: open.map { _ in 1 }, readRows: open.count)
        // Whatever was asked for: no text outgrows the context.
        let steps = min(options.maxNewTokens, configuration.nCtx)
        cost = PassCost(
            operations: begin + token * Double(steps), firstOperations: begin,
            rows: subject.rowCount + open.count * steps)
        for batch in subject.batches(open) where !open.isEmpty {
            batches.append(
                Batch(
                    prompts: batch,
                    cache: KeyValueCache(subject.model, form: subject.recipe.model.form, sequences: batch.count),
                    waiting: batch.map { subject.recipe.tokens[$0] }))
        }
    }

    func step(on compute: Compute) throws(LensError) -> [GenerationDraft.Outcome]? {
        if var batch = batches.popFirst() {
            try run(&batch, on: compute)
            if !batch.prompts.isEmpty { batches.append(batch) }
        }
        return batches.isEmpty ? draft.outcomes : nil
    }

    private func run(_ batch: inout Batch, on compute: Compute) throws(LensError) {
        let now = takeWaiting(&batch)
        var state = try ForwardState(
            subject.model, form: subject.recipe.model.form, tokens: now, continuing: batch.cache.take())
        try subject.plan.apply(to: &state, prompts: batch.prompts, control: compute.control)
        batch.cache = try subject.finish(&state, of: batch.prompts, on: compute)
        guard batch.waiting.allSatisfy(\.isEmpty) else { return }
        progress(try draft.extend(batch.prompts, after: state, on: compute))
        let open = batch.prompts.indices.filter { draft.isOpen(batch.prompts[$0]) }
        if open.count < batch.prompts.count {
            batch.cache = batch.cache.take().taking(open)
            batch.prompts = open.map { batch.prompts[$0] }
        }
        batch.waiting = batch.prompts.map { draft.newestToken(of: $0) }
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
    /// Takes a pass with kept keys and values to where the next tokens can be chosen, through all edits on the way.
    /// Those of the point where it stands are made already.
    ///
    /// - Returns: the keys and values, for the pass that goes on.
    func finish(
        _ state: inout ForwardState, of prompts: [Int], on compute: Compute
    ) throws(LensError) -> KeyValueCache {
        for point in plan.points where point > state.point {
            try state.advance(to: point, on: compute)
            try plan.apply(to: &state, prompts: prompts, control: compute.control)
        }
        let end = HookPoint(.residPost, layer: configuration.nLayers - 1)
        try state.advance(to: max(state.point, end), on: compute)
        return try state.takeKept()
    }
}
