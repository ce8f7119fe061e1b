import LensCore
import LensModel
import LensTensor

/// Runs the prompts of a recipe and keeps what was asked for.
final class RunJob: PassJob {
    struct Outcome: Sendable {
        /// Per prompt `[pos − 1]`; empty where the loss was not wanted.
        var losses: [[Float]] = []
        /// Per prompt, the likeliest tokens after its last position; empty where none were wanted.
        var top: [[TokenCandidate]] = []

        /// Adds what comes out at the end of a pass, which takes the pass there.
        mutating func add(
            endOf pass: ForwardState, wantsLoss: Bool, topCount: Int, on compute: Compute
        ) throws(LensError) {
            guard wantsLoss || topCount > 0 else { return }
            var state = pass
            // Top predictions want the last rows only: the end of the last block is left to them.
            let end = HookPoint(wantsLoss ? .residPost : .z, layer: state.configuration.nLayers - 1)
            try state.advance(to: max(state.point, end), on: compute)
            if wantsLoss { losses += try state.tokenLosses(on: compute) }
            guard topCount > 0 else { return }
            let count = state.tokens.count
            // Some sequences at a time: logits of them all need not fit into memory.
            for start in stride(from: 0, to: count, by: 64) {
                let logits = try state.lastLogits(of: start..<min(start + 64, count), on: compute)
                top += TokenCandidate.best(topCount, of: logits)
            }
        }
    }

    private let subject: PassSubject
    private let keep: [HookPoint]
    private let cache: ActivationCache
    private let wantsLoss: Bool
    private let topCount: Int
    private var batches: ArraySlice<[Int]>
    private var outcome = Outcome()

    init(_ subject: PassSubject, keep: [HookPoint], cache: ActivationCache, wantsLoss: Bool, topCount: Int) {
        self.subject = subject
        self.keep = keep.sorted()
        self.cache = cache
        self.wantsLoss = wantsLoss
        self.topCount = topCount
        batches = subject.batches(Array(subject.recipe.tokens.indices))[...]
    }

    func step(on compute: Compute) throws(LensError) -> Outcome? {
        guard let batch = batches.popFirst() else { return outcome }
        var state = try subject.begin(prompts: batch)
        try subject.visit(
            keep, in: &state, of: batch, on: compute, isAtEnd: !wantsLoss && topCount == 0
        ) { (state) throws(LensError) in
            for (index, prompt) in batch.enumerated() {
                try compute.control.check()
                cache.insert(state.activation(of: index), for: subject.cacheKey(prompt: prompt, point: state.point))
            }
        }
        try outcome.add(endOf: state, wantsLoss: wantsLoss, topCount: topCount, on: compute)
        return batches.isEmpty ? outcome : nil
    }
}

/// Computes activations of some prompts of a recipe.
final class ActivationJob: PassJob {
    private let subject: PassSubject
    private let points: [HookPoint]
    private let prompts: [Int]
    private var batches: ArraySlice<[Int]>
    private var found: [Int: [Tensor]] = [:]

    /// - Parameter points: in any order; the result has them in the order of a pass.
    init(_ subject: PassSubject, points: [HookPoint], prompts: [Int]) {
        self.subject = subject
        self.points = points.sorted()
        self.prompts = prompts
        batches = subject.batches(prompts)[...]
    }

    /// Per prompt, per point.
    func step(on compute: Compute) throws(LensError) -> [[Tensor]]? {
        if let batch = batches.popFirst() {
            var state = try subject.begin(prompts: batch)
            try subject.visit(points, in: &state, of: batch, on: compute) { state in
                for (index, prompt) in batch.enumerated() where prompts.contains(prompt) {
                    found[prompt, default: []].append(state.activation(of: index))
                }
            }
        }
        return batches.isEmpty ? prompts.map { found[$0] ?? [] } : nil
    }
}
