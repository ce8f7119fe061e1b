import LensCore
import LensModel

/// The places that a sweep's edit goes through, and what is edited at each.
///
/// A variant is one place, or of a paired sweep two: variant `i · places + j` is places `i` and `j` together.
struct SweepGrid: Sendable {
    let sweep: Sweep
    /// With the entries of the first prompt.
    let axes: [SweepReply.Axis]
    let configuration: ModelConfiguration
    /// How many places there are.
    let places: Int
    private let sizes: [Int]
    /// `[edit][prompt][axis]`: the entries that an axis goes through.
    private let entries: [[[[Int]]]]
    /// The first and the last point of a place, by its number along the layers; one where there is no such axis.
    private let spans: [(first: HookPoint, last: HookPoint)]
    /// `[edit][prompt]`: where in the other pass the values for the position axis stand; empty for the same positions.
    private let taken: [[[Int]]]

    /// One edit at one place, in one prompt.
    struct PlacedEdit: Sendable {
        /// Which of the sweep's edits.
        let edit: Int
        let point: HookPoint
        let selection: Selection
        /// What of the other pass is taken for it.
        let source: Selection
    }

    /// - Parameters:
    ///   - lengths: tokens of each prompt.
    ///   - sourceLengths: for each edit, tokens of the other pass's prompt that each prompt takes from; empty where it
    ///     takes from none.
    /// - Throws: `INVALID_ARGUMENT` for an axis that a point lacks, entries out of range, axes of different sizes.
    init(
        _ sweep: Sweep, configuration: ModelConfiguration, lengths: [Int], sourceLengths: [[Int]]
    ) throws(LensError) {
        guard !sweep.edits.isEmpty else { throw .invalidArgument("a sweep needs at least one edit; received none") }
        guard Set(sweep.axes).count == sweep.axes.count else {
            throw .invalidArgument("a sweep names each axis once; received \(sweep.axes.map(\.rawValue))")
        }
        var entries: [[[[Int]]]] = []
        var taken: [[[Int]]] = []
        for (index, edit) in sweep.edits.enumerated() {
            var own: [[[Int]]] = []
            var others: [[Int]] = []
            for (prompt, length) in lengths.enumerated() {
                let shape = configuration.shape(of: edit.kind, pos: length)
                own.append(try Self.entries(edit, sweep.axes, shape: shape))
                guard sweep.axes.contains(.position), case .patch(_, _, let positions?) = edit.action else {
                    others.append([])
                    continue
                }
                others.append(try positions.resolved(count: sourceLengths[index][prompt], "source position"))
            }
            entries.append(own)
            taken.append(others)
        }
        self.sweep = sweep
        self.configuration = configuration
        self.entries = entries
        self.taken = taken
        sizes = entries[0][0].map(\.count)
        axes = zip(sweep.axes, entries[0][0]).map { SweepReply.Axis($0, entries: $1) }
        for (index, edit) in entries.enumerated() {
            for (prompt, own) in edit.enumerated() {
                for (axis, list) in own.enumerated() where list.count != sizes[axis] {
                    let name = sweep.axes[axis].rawValue
                    throw .invalidArgument(
                        "the axis '\(name)' has \(sizes[axis]) entries at first and \(list.count) in prompt \(prompt)"
                            + "\(index == 0 ? "" : " of edit \(index)"): prompts and edits of a sweep go through axes "
                            + "of one size")
                }
                if let positions = sweep.axes.firstIndex(of: .position), !taken[index][prompt].isEmpty,
                    taken[index][prompt].count != sizes[positions]
                {
                    throw .invalidArgument(
                        "the axis 'pos' has \(sizes[positions]) entries; the patch takes from "
                            + "\(taken[index][prompt].count) positions")
                }
            }
        }
        spans = Self.spans(sweep, entries: entries)
        var places = 1
        for size in sizes {
            let (product, overflow) = places.multipliedReportingOverflow(by: size)
            places = overflow ? .max : product
        }
        self.places = places
    }

    private static func spans(
        _ sweep: Sweep, entries: [[[[Int]]]]
    ) -> [(first: HookPoint, last: HookPoint)] {
        var points: [[HookPoint]] = [sweep.edits.flatMap(\.points)]
        if let axis = sweep.axes.firstIndex(of: .layer) {
            points = entries[0][0][axis].indices.map { number in
                sweep.edits.indices.map { edit in
                    HookPoint(sweep.edits[edit].kind, layer: entries[edit][0][axis][number])
                }
            }
        }
        return points.map { points in
            let points = points.sorted()
            return (points.first ?? HookPoint(.tokens), points.last ?? HookPoint(.tokens))
        }
    }

    private static func entries(
        _ edit: Sweep.Edit, _ axes: [SweepAxis], shape: [Int]
    ) throws(LensError) -> [[Int]] {
        var selection = edit.selection
        for axis in axes where axis != .layer && selection[axis] == nil { selection[axis] = .every }
        let part = try SelectedPart(selection, of: edit.kind, shape: shape)
        var entries: [[Int]] = []
        for axis in axes {
            if axis == .layer {
                guard !edit.layers.isEmpty else {
                    throw .invalidArgument("\(edit.kind.suffix) lies outside the blocks and has no layers")
                }
                entries.append(edit.layers)
            } else if let index = edit.kind.axes.firstIndex(where: { $0.isMeant(by: axis) }) {
                entries.append(part.entries[index])
            }
        }
        return entries
    }

    // MARK: - Variants

    /// How many variants the result has, `Int.max` where they cannot be counted.
    var variants: Int {
        guard sweep.isPaired else { return places }
        let (product, overflow) = places.multipliedReportingOverflow(by: places)
        return overflow ? .max : product
    }

    /// The places of a variant; `nil` where another variant is the same: pairs count once.
    func places(of variant: Int) -> [Int]? {
        guard sweep.isPaired else { return [variant] }
        let (first, second) = (variant / places, variant % places)
        return first > second ? nil : first == second ? [first] : [first, second]
    }

    /// The variant that a variant equals by symmetry: itself, but for half of the pairs.
    func computed(_ variant: Int) -> Int {
        guard sweep.isPaired else { return variant }
        let (first, second) = (variant / places, variant % places)
        return first > second ? second * places + first : variant
    }

    /// The first and the last point that a variant edits; `nil` where another variant is the same.
    func span(of variant: Int) -> (first: HookPoint, last: HookPoint)? {
        let axis = sweep.axes.firstIndex(of: .layer)
        func span(_ place: Int) -> (first: HookPoint, last: HookPoint) {
            spans[axis.map { coordinate(of: place, $0) } ?? 0]
        }
        guard sweep.isPaired else { return span(variant) }
        let (one, other) = (variant / places, variant % places)
        guard one <= other else { return nil }
        let (first, second) = (span(one), span(other))
        return (min(first.first, second.first), max(first.last, second.last))
    }

    /// What a variant edits of a prompt, in the order in which a pass comes by.
    func edits(of variant: Int, prompt: Int) -> [PlacedEdit] {
        var placed: [PlacedEdit] = []
        for place in places(of: variant) ?? [] {
            for index in sweep.edits.indices { placed += edits(index, at: place, prompt: prompt) }
        }
        // Stable: edits at one point apply in the order of places and edits.
        return placed.enumerated().sorted { ($0.element.point, $0.offset) < ($1.element.point, $1.offset) }
            .map(\.element)
    }

    private func edits(_ index: Int, at place: Int, prompt: Int) -> [PlacedEdit] {
        let edit = sweep.edits[index]
        var selection = edit.selection
        var points = edit.points
        var source: Indices?
        if case .patch(_, _, let positions) = edit.action { source = positions }
        for (number, axis) in sweep.axes.enumerated() {
            let coordinate = coordinate(of: place, number)
            let entry = entries[index][prompt][number][coordinate]
            if axis == .layer { points = [HookPoint(edit.kind, layer: entry)] }
            selection[axis] = .index(entry)
            if axis == .position, !taken[index][prompt].isEmpty { source = .index(taken[index][prompt][coordinate]) }
        }
        var other = selection
        if let source { other.positions = source }
        return points.map { PlacedEdit(edit: index, point: $0, selection: selection, source: other) }
    }

    /// The entry's number along an axis.
    private func coordinate(of place: Int, _ axis: Int) -> Int {
        place / sizes[(axis + 1)...].reduce(1, *) % sizes[axis]
    }

    // MARK: - Without effect

    /// Whether a variant cannot change anything: what it edits of a pattern is masked, here and where it comes from.
    func isInert(_ variant: Int) -> Bool {
        guard let position = sweep.axes.firstIndex(of: .position), let source = sweep.axes.firstIndex(of: .source),
            let places = places(of: variant), sweep.edits.allSatisfy(\.leavesMaskedPattern)
        else { return false }
        return places.allSatisfy { place in
            entries.allSatisfy { prompts in
                prompts.allSatisfy { own in
                    own[source][coordinate(of: place, source)] > own[position][coordinate(of: place, position)]
                }
            }
        }
    }
}

extension Sweep.Edit {
    /// Everywhere it is made where the sweep does not move along layers.
    var points: [HookPoint] {
        layers.isEmpty ? [HookPoint(kind)] : layers.map { HookPoint(kind, layer: $0) }
    }

    /// Whether a masked entry of the pattern stays zero under the edit.
    fileprivate var leavesMaskedPattern: Bool {
        guard kind == .pattern else { return false }
        switch action {
        case .zero, .scale, .mask: return true
        case .patch(let source, _, nil): return source.interventions.isEmpty
        default: return false
        }
    }
}

extension HookKind.Axis {
    func isMeant(by axis: SweepAxis) -> Bool {
        switch (self, axis) {
        case (.head, .head), (.keyHead, .head), (.pos, .position), (.sourcePos, .source): true
        case (.dHead, .component), (.dModel, .component), (.dMLP, .component), (.vocab, .component): true
        default: false
        }
    }
}
