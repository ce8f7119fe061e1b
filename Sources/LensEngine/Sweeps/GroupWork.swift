import LensCore
import LensModel
import LensTensor

/// The work of a sweep for one group of prompts, piece by piece.
struct GroupWork {
    let prompts: [Int]
    private let subject: PassSubject
    private let grid: SweepGrid
    private let order: VariantOrder
    private let reader: MetricReader
    /// Rows of one batch, all batches alike.
    private let target: Int
    /// Where metrics are read.
    private let end: HookPoint

    /// The unedited pass, once for each order in which sequences join it; none ever goes back.
    private var bases: [Purpose: EditedPass]
    private var holding: Holding?
    private var references: [Int: MetricReader.Reference] = [:]
    /// Whether the unedited sequences are read before all others, not with the last of them.
    private let readsUneditedFirst: Bool
    private var hasUnedited = false
    /// The next sequence: variant by variant, prompt by prompt; behind the last the unedited ones.
    private var next = 0
    private var batch: VariantBatch?
    private var purpose = Purpose.variants

    /// What a batch is for.
    private enum Purpose {
        /// Edited sequences, and the unedited ones where they ride along.
        case variants
        /// The second pass of path patching.
        case receivers
        case unedited
    }

    /// The pass in which what is held is found.
    private struct Holding {
        var pass: EditedPass
        var stops: ArraySlice<HookPoint>
        var values: HeldValues = [:]
    }

    init(
        _ prompts: [Int], of subject: PassSubject, grid: SweepGrid, order: VariantOrder, reader: MetricReader,
        budget: RowBudget, end: HookPoint
    ) throws(LensError) {
        self.prompts = prompts
        self.subject = subject
        self.grid = grid
        self.order = order
        self.reader = reader
        self.end = end
        let rows = prompts.reduce(0) { $0 + subject.recipe.tokens[$1].count }
        let all = (order.variants.count + 1) * rows
        let batches = max((all + budget.rows - 1) / max(budget.rows, 1), 1)
        target = (all + batches - 1) / batches
        let pass = try EditedPass(subject, prompts: prompts)
        bases = [.variants: pass, .receivers: pass, .unedited: pass]
        // Losses wait for the unedited ones: not those of a large sweep. Nothing rides with receivers.
        readsUneditedFirst =
            reader.needsReference || order.variants.count * rows > 1 << 20
            || grid.sweep.path.map { !$0.receivers.isEmpty } == true
        if let path = grid.sweep.path {
            let layers = 0..<subject.configuration.nLayers
            var stops = layers.map { HookPoint(.z, layer: $0) }
            if path.holdsMLPs, !subject.configuration.attnOnly {
                stops += layers.map { HookPoint(.mlpOut, layer: $0) }
            }
            holding = Holding(pass: pass, stops: stops.sorted()[...])
        }
    }

    var isDone: Bool { batch == nil && next >= sequenceCount && (hasUnedited || !readsUneditedFirst) }

    private var sequenceCount: Int {
        (order.variants.count + (readsUneditedFirst ? 0 : 1)) * prompts.count
    }

    private var receivers: [Sweep.Receiver] { grid.sweep.path?.receivers ?? [] }

    /// Does one piece of work: about a layer of a batch, or the reading of some of its sequences.
    ///
    /// - Returns: how many edited sequences were finished.
    mutating func step(
        sources: inout SourceActivations, tally: inout SweepTally, on compute: Compute
    ) throws(LensError) -> Int {
        if try hold(on: compute) { return 0 }
        guard var current = batch else {
            batch = nextBatch()
            let first = batch?.sequences.lazy.compactMap { $0.edits.first?.point }.min()
            if let first { sources.drop(before: first) }
            return 0
        }
        batch = nil
        if !current.isAtEnd {
            guard var base = bases.removeValue(forKey: purpose) else {
                throw LensError(.internal, "a sweep lacks the unedited pass")
            }
            try current.step(base: &base, sources: &sources, on: compute)
            bases[purpose] = base
            batch = current
            return 0
        }
        if purpose == .variants, !receivers.isEmpty {
            batch = receiving(current)
            purpose = .receivers
            return 0
        }
        if purpose == .unedited, reader.needsReference, references.isEmpty {
            references = try current.references(reader, on: compute)
            batch = current
            return 0
        }
        let readings = try current.read(reader, references: references, on: compute)
        for (sequence, reading) in readings { tally.add(reading, variant: sequence.variant, prompt: sequence.prompt) }
        if !current.isRead { batch = current }
        return readings.reduce(0) { $0 + ($1.sequence.variant == nil ? 0 : 1) }
    }

    /// Takes the pass that is held a stop further; false when all is known.
    private mutating func hold(on compute: Compute) throws(LensError) -> Bool {
        guard var holding, let stop = holding.stops.popFirst() else { return false }
        self.holding = nil
        try holding.pass.advance(to: stop, on: compute)
        var values: [Int: Tensor] = [:]
        for (sequence, prompt) in holding.pass.prompts.enumerated() {
            values[prompt] = holding.pass.state.activation(of: sequence)
        }
        holding.values[stop] = values
        self.holding = holding
        return true
    }

    // MARK: - Batches

    private mutating func nextBatch() -> VariantBatch {
        let unedited = prompts.map { SweepSequence(variant: nil, prompt: $0, edits: []) }
        if readsUneditedFirst, !hasUnedited {
            hasUnedited = true
            purpose = .unedited
            return VariantBatch(unedited, of: subject, end: end)
        }
        purpose = .variants
        var sequences: [SweepSequence] = []
        var rows = 0
        while next < sequenceCount {
            let index = next % prompts.count
            let size = subject.recipe.tokens[prompts[index]].count
            if !sequences.isEmpty, rows + size / 2 > target { break }
            rows += size
            let place = next / prompts.count
            next += 1
            guard place < order.variants.count else {
                sequences.append(unedited[index])
                continue
            }
            let variant = order.variants[place]
            let edits = grid.edits(of: variant, prompt: prompts[index])
            sequences.append(
                SweepSequence(variant: variant, prompt: prompts[index], edits: edits.map { .placed($0) }))
        }
        return VariantBatch(
            sequences, of: subject, end: receivers.map(\.point).max() ?? end, held: holding?.values ?? [:],
            receivers: receivers)
    }

    /// The second pass of path patching: unedited but for what the receivers got in the first.
    private func receiving(_ batch: VariantBatch) -> VariantBatch {
        let sequences = batch.sequences.enumerated().map { index, sequence in
            let got = batch.received[index] ?? [:]
            var edits: [SequenceEdit] = []
            for (number, receiver) in receivers.enumerated() {
                guard let values = got[number] else { continue }
                let edit = Edit(
                    operation: .assign(values), selection: receiver.selection, kind: receiver.point.kind)
                edits.append(.ready(edit, at: receiver.point))
            }
            return SweepSequence(
                variant: sequence.variant, prompt: sequence.prompt, edits: edits.sorted { $0.point < $1.point })
        }
        return VariantBatch(sequences, of: subject, end: end)
    }
}
