import LensCore
import LensModel
import LensTensor

/// Ablates every head in turn: one base pass, then variants that join it where they first differ.
///
/// Nothing before a variant's edit is computed again: the base pass is kept at the edited point of each layer, a variant
/// is a copy of it with one head edited, and all variants of a batch go on together. The unedited sequence is a variant
/// too, so that its last stages ride in the same large products.
final class HeadSweepJob: PassJob {
    struct Outcome: Sendable {
        /// Per prompt `[pos − 1]`.
        var baseline: [[Float]]
        /// Per prompt and head (layer by layer), summed over the predictions.
        var effects: [[PairedDifference]]
    }

    /// Differences to the baseline over the predictions of one prompt.
    struct PairedDifference: Sendable {
        var loss = 0.0
        var sum = 0.0
        var squares = 0.0
    }

    /// One sequence of a batch: a prompt of the group with one head edited, or with none.
    private struct Variant {
        let prompt: Int
        let layer: Int
        let head: Int?
    }

    private let subject: PassSubject
    private let action: AblationKind
    private let kind: HookKind
    private let progress: @Sendable (Int, Int) -> Void
    private var groups: ArraySlice<[Int]>
    private var outcome: Outcome
    private var done = 0
    private let total: Int

    // The group under way.
    private var group: [Int] = []
    private var bases: [ForwardState] = []
    private var batches: ArraySlice<[Variant]> = []
    private var losses: [Int: [[Float]]] = [:]

    init(
        _ subject: PassSubject, action: AblationKind, kind: HookKind,
        progress: @escaping @Sendable (Int, Int) -> Void
    ) {
        self.subject = subject
        self.action = action
        self.kind = kind
        self.progress = progress
        let recipe = subject.recipe
        groups = subject.budget.batches(Array(recipe.tokens.indices)) { recipe.tokens[$0].count }[...]
        let prompts = recipe.tokens.count
        total = prompts * subject.configuration.headCount
        outcome = Outcome(
            baseline: Array(repeating: [], count: prompts), effects: Array(repeating: [], count: prompts))
    }

    func step(on compute: Compute) throws(LensError) -> Outcome? {
        if batches.isEmpty {
            guard let next = groups.popFirst() else { return outcome }
            group = next
            try runBase(on: compute)
        }
        if let batch = batches.popFirst() { try run(batch, on: compute) }
        if batches.isEmpty { finishGroup() }
        return batches.isEmpty && groups.isEmpty ? outcome : nil
    }

    /// The base pass of a group of prompts, kept at the edited point of each layer.
    private func runBase(on compute: Compute) throws(LensError) {
        var state = try subject.begin(prompts: group)
        let points = (0..<subject.configuration.nLayers).map { HookPoint(kind, layer: $0) }
        bases = []
        for point in points {
            try state.advance(to: point, on: compute)
            bases.append(state)
        }
        let heads = subject.configuration.nHeads
        var variants: [Variant] = []
        for layer in points.indices {
            for prompt in group.indices {
                variants += (0..<heads).map { Variant(prompt: prompt, layer: layer, head: $0) }
            }
        }
        variants += group.indices.map { Variant(prompt: $0, layer: points.count - 1, head: nil) }
        batches = subject.budget.batches(variants) { subject.recipe.tokens[group[$0.prompt]].count }[...]
        losses = [:]
    }

    /// Variants join layer by layer, each at its own point, and finish together.
    private func run(_ batch: [Variant], on compute: Compute) throws(LensError) {
        var joined: ForwardState?
        var order: [Variant] = []
        for (layer, base) in bases.enumerated() {
            let joining = batch.filter { $0.layer == layer }
            if joining.isEmpty { continue }
            var parts: [(state: ForwardState, sequence: Int)] = []
            if var earlier = joined {
                try earlier.advance(to: base.point, on: compute)
                parts = earlier.tokens.indices.map { (earlier, $0) }
            }
            let first = parts.count
            parts += joining.map { (base, $0.prompt) }
            var state = try ForwardState.joining(parts)
            for (index, variant) in joining.enumerated() {
                guard let head = variant.head else { continue }
                try state.apply(
                    Intervention(
                        point: base.point, action: action.intervention, selection: Selection(heads: .index(head))
                    )
                    .edit(for: group[variant.prompt]), to: first + index, control: compute.control)
            }
            order += joining
            joined = state
        }
        guard let joined else { return }
        let found = try joined.tokenLosses(on: compute)
        for (variant, loss) in zip(order, found) {
            if let head = variant.head {
                losses[variant.prompt, default: empty][variant.layer * subject.configuration.nHeads + head] = loss
                done += 1
            } else {
                outcome.baseline[group[variant.prompt]] = loss
            }
        }
        progress(done, total)
    }

    private var empty: [[Float]] { Array(repeating: [], count: subject.configuration.headCount) }

    private func finishGroup() {
        for (index, prompt) in group.enumerated() {
            let baseline = outcome.baseline[prompt]
            outcome.effects[prompt] = (losses[index] ?? []).map { loss in
                var effect = PairedDifference()
                for (edited, plain) in zip(loss, baseline) {
                    let difference = Double(edited) - Double(plain)
                    effect.loss += Double(edited)
                    effect.sum += difference
                    effect.squares += difference * difference
                }
                return effect
            }
        }
        bases = []
        losses = [:]
    }
}

extension ModelConfiguration {
    /// Of all layers together.
    var headCount: Int { nLayers * nHeads }
}

extension AblationKind {
    var intervention: Intervention.Action { self == .zero ? .zero : .mean }
}
