import LensCore
import LensModel
import LensTensor

/// Runs the prompts of a recipe and keeps what was asked for.
final class RunJob: RidingJob {
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
    /// Where the passes stop: to keep activations, for edits.
    private let stops: [HookPoint]
    private let cache: ContentCache
    private let user: UInt32
    private let wantsLoss: Bool
    private let topCount: Int
    private var batches: ArraySlice<[Int]>
    private var outcome = Outcome()

    /// - Parameter user: who is charged for what is kept.
    init(
        _ subject: PassSubject, keep: [HookPoint], cache: ContentCache, user: UInt32, wantsLoss: Bool, topCount: Int
    ) {
        self.subject = subject
        self.keep = keep.sorted()
        stops = Set(keep).union(subject.plan.points).sorted()
        self.cache = cache
        self.user = user
        self.wantsLoss = wantsLoss
        self.topCount = topCount
        batches = subject.batches(Array(subject.recipe.tokens.indices))[...]
    }

    var cost: PassCost {
        let rows = subject.rowCount
        let prompts = subject.recipe.tokens.count
        let readRows = (wantsLoss ? rows - prompts : 0) + (topCount > 0 ? prompts : 0)
        return PassCost(operations: subject.operations(readRows: readRows), rows: rows)
    }

    /// None for one of several batches, and for prompts that edit one another.
    var ride: PassRide? {
        guard batches.count == 1, !subject.plan.needsAllPrompts else { return nil }
        return subject.ride(
            .run(keep: keep, wantsLoss: wantsLoss, topCount: topCount), stops: stops, rows: subject.rowCount,
            operations: cost.operations)
    }

    func step(on compute: Compute) throws(LensError) -> Outcome? {
        guard let batch = batches.popFirst() else { return outcome }
        for part in try Self.run([(self, batch)], on: compute) { outcome.add(part) }
        return batches.isEmpty ? outcome : nil
    }

    /// Each keeps what it wants and gets what is its own.
    static func step(
        together jobs: [RunJob], on compute: Compute
    ) throws(LensError) -> [Result<Outcome?, LensError>] {
        try run(jobs.map { ($0, $0.batches.first ?? []) }, on: compute).map { .success($0) }
    }

    private static func run(
        _ parts: [(job: RunJob, prompts: [Int])], on compute: Compute
    ) throws(LensError) -> [Outcome] {
        guard let first = parts.first?.job else { return [] }
        var sequences: [Range<Int>] = []
        var tokens: [[Int32]] = []
        for (job, prompts) in parts {
            sequences.append(tokens.count..<tokens.count + prompts.count)
            tokens += prompts.map { job.subject.recipe.tokens[$0] }
        }
        var state = try ForwardState(first.subject.model, form: first.subject.recipe.model.form, tokens: tokens)
        let isAtEnd = !first.wantsLoss && first.topCount == 0
        for stop in first.stops {
            // Edits behind the last wanted point matter only to whoever goes on.
            if isAtEnd, let last = first.keep.last, stop > last { break }
            try state.advance(to: stop, on: compute)
            for ((job, prompts), own) in zip(parts, sequences) {
                try job.subject.plan.apply(to: &state, sequences: own, prompts: prompts, control: compute.control)
            }
            guard first.keep.contains(stop) else { continue }
            for ((job, prompts), own) in zip(parts, sequences) {
                for (sequence, prompt) in zip(own, prompts) {
                    try compute.control.check()
                    job.cache.insert(
                        state.activation(of: sequence), for: job.subject.cacheKey(prompt: prompt, point: stop),
                        users: [job.user])
                }
            }
        }
        var all = Outcome()
        try all.add(endOf: state, wantsLoss: first.wantsLoss, topCount: first.topCount, on: compute)
        return sequences.map { all.part($0) }
    }
}

extension RunJob.Outcome: KeptAnswer {
    var byteCount: Int {
        losses.reduce(0) { $0 + 48 + 4 * $1.count } + top.reduce(0) { $0 + 48 + 16 * $1.count }
    }

    func copied() -> Self {
        Self(losses: losses.map { $0.copied() }, top: top.map { $0.copied() })
    }

    fileprivate mutating func add(_ other: Self) {
        losses += other.losses
        top += other.top
    }

    /// Of some of the prompts.
    fileprivate func part(_ prompts: Range<Int>) -> Self {
        Self(losses: losses.isEmpty ? [] : Array(losses[prompts]), top: top.isEmpty ? [] : Array(top[prompts]))
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

    var cost: PassCost {
        PassCost(operations: subject.operations(prompts: prompts), rows: subject.rowCount)
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
