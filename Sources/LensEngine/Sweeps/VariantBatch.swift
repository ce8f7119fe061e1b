import LensCore
import LensModel
import LensTensor

/// One edited sequence of a sweep: a prompt with what is edited in it; without edits, the unedited run.
struct SweepSequence: Sendable {
    /// `nil` for the unedited run.
    let variant: Int?
    let prompt: Int
    /// In the order of a pass.
    let edits: [SequenceEdit]
}

/// An edit of one sequence, with its values at hand or still to be taken from another pass.
enum SequenceEdit: Sendable {
    case placed(SweepGrid.PlacedEdit)
    case ready(Edit, at: HookPoint)

    var point: HookPoint {
        switch self {
        case .placed(let placed): placed.point
        case .ready(_, let point): point
        }
    }
}

/// What the unedited run has where path patching holds the others: by point, `[row, …]` of each prompt.
typealias HeldValues = [HookPoint: [Int: Tensor]]

/// Some edited sequences on their way through the model, as one pass.
///
/// Each joins at the point where it first differs from the unedited run, so that nothing before it is computed again.
struct VariantBatch {
    let sequences: [SweepSequence]
    private let subject: PassSubject
    private let end: HookPoint
    private let held: HeldValues
    private let receivers: [Sweep.Receiver]
    private var stops: ArraySlice<HookPoint>
    private(set) var state: ForwardState?
    /// Which of the sequences each sequence of the pass is.
    private(set) var members: [Int] = []
    /// The next sequence to be read.
    private var next = 0
    /// What receivers got, by sequence and receiver.
    private(set) var received: [Int: [Int: Edit.Values]] = [:]

    /// - Parameters:
    ///   - end: where the batch ends; sequences without edits join there.
    ///   - held: what stands still while the edits act.
    ///   - receivers: what is noted on the way.
    init(
        _ sequences: [SweepSequence], of subject: PassSubject, end: HookPoint, held: HeldValues = [:],
        receivers: [Sweep.Receiver] = []
    ) {
        self.sequences = sequences
        self.subject = subject
        self.end = end
        self.held = held
        self.receivers = receivers
        let first = sequences.lazy.compactMap { $0.edits.first?.point }.min() ?? end
        var stops = Set(sequences.flatMap { $0.edits.map(\.point) })
        stops.formUnion(subject.plan.points)
        stops.formUnion(held.keys)
        stops.formUnion(receivers.map(\.point))
        stops.formUnion((0..<subject.configuration.nLayers - 1).map { HookPoint(.residPost, layer: $0) })
        stops.insert(end)
        self.stops = stops.filter { $0 >= first && $0 <= end }.sorted()[...]
    }

    /// Whether there is nothing left but to read.
    var isAtEnd: Bool { stops.isEmpty }

    /// Which prompt each sequence of the pass is.
    var prompts: [Int] { members.map { sequences[$0].prompt } }

    /// Goes on to the next stop.
    ///
    /// - Parameter base: the unedited run, which comes along as far as sequences join.
    mutating func step(
        base: inout EditedPass, sources: inout SourceActivations, on compute: Compute
    ) throws(LensError) {
        guard let stop = stops.popFirst() else { return }
        if let earlier = state {
            state = nil
            state = try advanced(earlier, to: stop, on: compute)
        }
        try join(at: stop, base: &base, on: compute)
        guard var current = state else { return }
        state = nil
        try edit(&current, sources: &sources, on: compute)
        try receive(current, control: compute.control)
        state = current
    }

    private func advanced(
        _ earlier: consuming ForwardState, to stop: HookPoint, on compute: Compute
    ) throws(LensError) -> ForwardState {
        var state = earlier
        guard let values = held[stop] else {
            try state.advance(to: stop, on: compute)
            try subject.plan.apply(to: &state, prompts: prompts, control: compute.control)
            return state
        }
        let isHeld = members.map { self.isHeld(sequences[$0], at: stop) }
        let begin = HookPoint(
            stop.kind == .z ? .residPre : subject.configuration.kindBeforeMLP, layer: stop.layer)
        if isHeld.allSatisfy({ $0 }), state.point <= begin {
            var parts: [(tensor: Tensor, rows: Range<Int>)] = []
            for prompt in prompts {
                guard let tensor = values[prompt] else { throw LensError(.internal, "\(stop) of a prompt is not held") }
                parts.append((tensor, 0..<tensor.shape[0]))
            }
            try state.hold(.stacking(parts), at: stop, on: compute)
            return state
        }
        try state.advance(to: stop, on: compute)
        try subject.plan.apply(to: &state, prompts: prompts, control: compute.control)
        for (sequence, isHeld) in isHeld.enumerated() where isHeld {
            guard let tensor = values[prompts[sequence]] else {
                throw LensError(.internal, "\(stop) of a prompt is not held")
            }
            let whole = Edit.Values(shape: tensor.shape, tensor: tensor)
            try state.apply(
                Edit(operation: .assign(whole), selection: .all, kind: stop.kind), to: sequence,
                control: compute.control)
        }
        return state
    }

    /// Held is the attention of the layers behind a sequence's edits, and every MLP that begins behind them.
    private func isHeld(_ sequence: SweepSequence, at stop: HookPoint) -> Bool {
        guard let last = sequence.edits.last?.point else { return true }
        if stop.kind == .mlpOut { return last <= HookPoint(.residMid, layer: stop.layer) }
        return last < HookPoint(.residPre, layer: stop.layer)
    }

    private mutating func join(
        at stop: HookPoint, base: inout EditedPass, on compute: Compute
    ) throws(LensError) {
        let joining = sequences.indices.filter { (sequences[$0].edits.first?.point ?? end) == stop }
        guard !joining.isEmpty else { return }
        try base.advance(to: stop, on: compute)
        var parts: [(state: ForwardState, sequence: Int)] = []
        if let earlier = state { parts = earlier.tokens.indices.map { (earlier, $0) } }
        for index in joining {
            guard let sequence = base.prompts.firstIndex(of: sequences[index].prompt) else {
                throw LensError(.internal, "a prompt of the batch is not in the unedited pass")
            }
            parts.append((base.state, sequence))
        }
        state = nil
        state = try ForwardState.joining(parts)
        members += joining
    }

    private func edit(
        _ state: inout ForwardState, sources: inout SourceActivations, on compute: Compute
    ) throws(LensError) {
        for (sequence, member) in members.enumerated() {
            for edit in sequences[member].edits where edit.point == state.point {
                try compute.control.check()
                switch edit {
                case .ready(let edit, _): try state.apply(edit, to: sequence, control: compute.control)
                case .placed(let placed):
                    try sources.advance(to: placed.point, on: compute)
                    let edit = try sources.edit(placed, prompt: sequences[member].prompt, control: compute.control)
                    try state.apply(edit, to: sequence, control: compute.control)
                }
            }
        }
    }

    private mutating func receive(_ state: ForwardState, control: CallControl) throws(LensError) {
        for (index, receiver) in receivers.enumerated() where receiver.point == state.point {
            for (sequence, member) in members.enumerated() {
                guard let last = sequences[member].edits.last?.point, last < receiver.point else { continue }
                let activation = state.activation(of: sequence)
                received[member, default: [:]][index] = try SelectedPart(
                    receiver.selection, of: receiver.point.kind, shape: activation.shape
                ).gather(activation, control: control)
            }
        }
    }

    // MARK: - Reading

    /// Whether all sequences were read.
    var isRead: Bool { next >= members.count }

    /// What the divergence of others from these sequences is held against, by prompt.
    mutating func references(
        _ reader: MetricReader, on compute: Compute
    ) throws(LensError) -> [Int: MetricReader.Reference] {
        guard var current = state else { return [:] }
        var references: [Int: MetricReader.Reference] = [:]
        for (sequence, prompt) in prompts.enumerated() {
            references[prompt] = try reader.reference(of: sequence, prompt: prompt, in: &current, on: compute)
        }
        return references
    }

    /// Reads the next sequences: as many as take some tenths of a second to meet the vocabulary.
    mutating func read(
        _ reader: MetricReader, references: [Int: MetricReader.Reference], on compute: Compute
    ) throws(LensError) -> [(sequence: SweepSequence, reading: MetricReader.Reading)] {
        guard var current = state else {
            next = members.count
            return []
        }
        state = nil
        let prompts = prompts
        let sizes = prompts.map { max(reader.positions(of: $0).count, 1) }
        let part = Self.part(of: sizes, from: next, limit: reader.rowsAtATime(subject.configuration))
        let readings = try reader.read(part, of: &current, prompts: prompts, references: references, on: compute)
        state = current
        next = part.upperBound
        return zip(part, readings).map { (sequences[members[$0]], $1) }
    }

    /// The next sequences that hold a limit of rows, in parts of about equal size.
    private static func part(of sizes: [Int], from first: Int, limit: Int) -> Range<Int> {
        let remaining = sizes[first...].reduce(0, +)
        let parts = max((remaining + limit - 1) / limit, 1)
        let target = (remaining + parts - 1) / parts
        var last = first
        var rows = 0
        while last < sizes.count, last == first || rows + sizes[last] / 2 <= target {
            rows += sizes[last]
            last += 1
        }
        return first..<last
    }
}
