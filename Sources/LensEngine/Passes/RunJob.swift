import LensCore
import LensModel
import LensTensor

/// Runs the prompts of a recipe and keeps what was asked for.
final class RunJob: PassJob {
    struct Outcome: Sendable {
        /// Per prompt `[pos − 1]`; empty where the loss was not wanted.
        var losses: [[Float]] = []
        /// Per prompt; `[vocab]` of the last position.
        var lastLogits: [Tensor] = []
    }

    private let subject: PassSubject
    private let keep: [HookPoint]
    private let cache: ActivationCache
    private let wantsLoss: Bool
    private let wantsLastLogits: Bool
    private var batches: ArraySlice<[Int]>
    private var outcome = Outcome()

    init(_ subject: PassSubject, keep: [HookPoint], cache: ActivationCache, wantsLoss: Bool, wantsLastLogits: Bool) {
        self.subject = subject
        self.keep = keep.sorted()
        self.cache = cache
        self.wantsLoss = wantsLoss
        self.wantsLastLogits = wantsLastLogits
        let recipe = subject.recipe
        batches = subject.budget.batches(Array(recipe.tokens.indices)) { recipe.tokens[$0].count }[...]
    }

    func step(on compute: Compute) throws(LensError) -> Outcome? {
        guard let batch = batches.popFirst() else { return outcome }
        var state = try subject.begin(prompts: batch)
        try subject.visit(keep, in: &state, on: compute) { state in
            for (index, prompt) in batch.enumerated() {
                cache.insert(state.activation(of: index), for: subject.cacheKey(prompt: prompt, point: state.point))
            }
        }
        if wantsLoss || wantsLastLogits {
            let end = HookPoint(.residPost, layer: subject.configuration.nLayers - 1)
            try state.advance(to: max(state.point, end), on: compute)
            if wantsLoss { outcome.losses += try state.tokenLosses(on: compute) }
            if wantsLastLogits {
                let logits = try state.lastLogits(on: compute)
                outcome.lastLogits += batch.indices.map { logits.rows($0..<$0 + 1) }
            }
        }
        return batches.isEmpty ? outcome : nil
    }
}

/// Computes activations of some prompts of a recipe.
final class ActivationJob: PassJob {
    private let subject: PassSubject
    private let points: [HookPoint]
    private var batches: ArraySlice<[Int]>
    private var found: [[Tensor]] = []

    /// - Parameter points: in any order; the result has them in the order of a pass.
    init(_ subject: PassSubject, points: [HookPoint], prompts: [Int]) {
        self.subject = subject
        self.points = points.sorted()
        let recipe = subject.recipe
        batches = subject.budget.batches(prompts) { recipe.tokens[$0].count }[...]
    }

    /// Per prompt, per point.
    func step(on compute: Compute) throws(LensError) -> [[Tensor]]? {
        guard let batch = batches.popFirst() else { return found }
        var state = try subject.begin(prompts: batch)
        var activations = [[Tensor]](repeating: [], count: batch.count)
        try subject.visit(points, in: &state, on: compute) { state in
            for index in batch.indices { activations[index].append(state.activation(of: index)) }
        }
        found += activations
        return batches.isEmpty ? found : nil
    }
}
