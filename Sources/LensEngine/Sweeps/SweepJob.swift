import LensCore
import LensModel
import LensTensor

/// Runs a sweep: one unedited pass for a group of prompts, then edited ones that join it where they first differ.
///
/// The variants go in batches that hold the row budget, in the order in which they join; so the unedited pass goes
/// through the model once, however many variants there are, and no more than one batch is in memory. The unedited
/// sequences themselves ride in the last batch, so that their last stages are part of a large product too.
final class SweepJob: PassJob {
    private let subject: PassSubject
    private let grid: SweepGrid
    private let reader: MetricReader
    private let budget: RowBudget
    private let end: HookPoint
    private let order: VariantOrder
    private var sources: SourceActivations
    private var tally: SweepTally
    private var groups: ArraySlice<[Int]>
    private var group: GroupWork?
    private var done = 0
    private let total: Int
    let cost: PassCost

    struct Outcome: KeptAnswer {
        let metrics: [MetricValues]

        func copied() -> Outcome {
            Outcome(
                metrics: metrics.map { metric in
                    MetricValues(
                        metric: metric.metric, baseline: metric.baseline, baselines: metric.baselines.copied(),
                        values: metric.values.copied(), standardErrors: metric.standardErrors.copied(),
                        columns: metric.columns.copied())
                })
        }

        var byteCount: Int {
            metrics.reduce(0) { total, metric in
                total + 8 * (metric.baselines.count + metric.columns.count + 2 * metric.values.count)
            }
        }
    }

    /// - Parameters:
    ///   - predicted: what the sweep takes.
    ///   - sources: what edits take from other passes.
    init(_ subject: PassSubject, cost predicted: SweepCost, sources: SourceActivations) {
        let (grid, reader) = (predicted.grid, predicted.reader)
        self.subject = subject
        self.grid = grid
        self.reader = reader
        let recipe = subject.recipe
        let lengths = recipe.tokens.map(\.count)
        budget = RowBudget(
            subject.configuration, visiting: grid.sweep.kinds + subject.plan.points.map(\.kind),
            longest: lengths.max() ?? 1)
        // Behind the last attention only the rows that are read need computing: reading does that. A held MLP has to
        // be passed.
        let last = HookPoint(
            grid.sweep.path?.holdsMLPs == true ? .residPost : .z, layer: subject.configuration.nLayers - 1)
        end = (grid.sweep.edits.flatMap(\.points) + subject.plan.points + [last]).max() ?? last
        order = VariantOrder(grid, isUnedited: !recipe.interventions.isEmpty)
        self.sources = sources
        tally = SweepTally(reader, variants: grid.variants, lengths: lengths)
        groups = budget.batches(Array(recipe.tokens.indices)) { lengths[$0] }[...]
        total = order.variants.count * lengths.count
        let rows = (order.variants.count + 1) * lengths.reduce(0, +)
        cost = PassCost(
            operations: predicted.operations, rows: rows,
            bytes: min(rows, budget.rows) * RowBudget.bytesOfRow(subject.configuration) + predicted.sourceBytes,
            isLong: true)
    }

    /// Edited sequences, of all.
    var progress: PassProgress? { PassProgress(done: done, total: total) }

    func step(on compute: Compute) throws(LensError) -> Outcome? {
        // As many small pieces of work as make a turn worthwhile.
        let turn = ContinuousClock.now + .milliseconds(25)
        repeat {
            if try !work(on: compute) {
                return Outcome(
                    metrics: tally.values(same: grid.computed) { [order] in order.inert.contains($0) })
            }
        } while ContinuousClock.now < turn
        return nil
    }

    /// Does one piece of work; false when there is none left.
    private func work(on compute: Compute) throws(LensError) -> Bool {
        if group == nil { group = try nextGroup() }
        guard var work = group else { return false }
        group = nil
        let finished = try work.step(sources: &sources, tally: &tally, on: compute)
        done += finished
        if work.isDone {
            for prompt in work.prompts { tally.close(prompt: prompt) }
        } else {
            group = work
        }
        return true
    }

    private func nextGroup() throws(LensError) -> GroupWork? {
        guard let prompts = groups.popFirst() else { return nil }
        try sources.begin(prompts: prompts)
        return try GroupWork(
            prompts, of: subject, grid: grid, order: order, reader: reader, budget: budget, end: end)
    }
}

/// The variants that are computed, in the order in which they leave the unedited pass.
struct VariantOrder: Sendable {
    let variants: [Int]
    /// Variants that cannot differ from the unedited run.
    let inert: Set<Int>

    /// - Parameter isUnedited: false makes no use of what is known of masks: edits under which everything runs may
    ///   have lifted them.
    init(_ grid: SweepGrid, isUnedited hasEdits: Bool) {
        var inert: Set<Int> = []
        var byPoint: [HookPoint: [Int]] = [:]
        for variant in 0..<grid.variants {
            guard let (first, last) = grid.span(of: variant) else { continue }
            let isUnheard = grid.sweep.path.map { path in
                !path.receivers.isEmpty && !path.receivers.contains { $0.point > last }
            }
            if isUnheard == true || (!hasEdits && grid.isInert(variant)) {
                inert.insert(variant)
            } else {
                byPoint[first, default: []].append(variant)
            }
        }
        variants = byPoint.sorted { $0.key < $1.key }.flatMap(\.value)
        self.inert = inert
    }
}

extension Sweep {
    /// The kinds of points that are edited or listened at.
    var kinds: [HookKind] { edits.map(\.kind) + (path?.receivers.map(\.point.kind) ?? []) }
}
