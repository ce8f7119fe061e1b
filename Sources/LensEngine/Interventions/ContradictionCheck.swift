import LensCore

/// Finds edits of which nothing would be left, and edits that cannot happen beside one another.
struct ContradictionCheck {
    let configuration: ModelConfiguration
    let lengths: [Int]

    /// - Throws: `INVALID_ARGUMENT` naming both edits.
    func check(_ edits: [Intervention]) throws(LensError) {
        try checkInputsAndNorms(edits)
        var earlier: [HookPoint: [(edit: Intervention, extent: Extent)]] = [:]
        for edit in edits {
            let extent = Extent(edit, configuration, lengths)
            if edit.action.overwrites {
                for other in earlier[edit.point] ?? [] where extent.covers(other.extent) {
                    throw .invalidArgument(
                        "'\(edit.action.name)' at \(edit.point.name)\(edit.selection) leaves nothing of "
                            + "'\(other.edit.action.name)'\(other.edit.selection) before it")
                }
            }
            earlier[edit.point, default: []].append((edit, extent))
        }
    }

    /// An edited input of the heads is normed head by head, so the block's own norm is not there to be edited.
    func checkInputsAndNorms(_ edits: [Intervention]) throws(LensError) {
        let points = Set(edits.map(\.point))
        for norm in points where norm.kind == .ln1Scale || norm.kind == .ln1Normalized {
            for kind in [HookKind.attnIn, .qInput, .kInput, .vInput] {
                let input = HookPoint(kind, layer: norm.layer)
                guard !points.contains(input) else {
                    throw .invalidArgument(
                        "\(norm.name) cannot be edited together with \(input.name): an edited input of the heads has "
                            + "norms of its own")
                }
            }
        }
    }

    /// What an edit touches, axis by axis; `nil` is all of an axis.
    private struct Extent {
        private var axes: [Set<Int>?] = []

        init(_ edit: Intervention, _ configuration: ModelConfiguration, _ lengths: [Int]) {
            let isOneLength = lengths.allSatisfy { $0 == lengths.first }
            let length = lengths.first ?? 0
            var prompts = edit.selection.prompts
            if case .swap(let other) = edit.action, case .list(let list)? = prompts { prompts = .list(list + [other]) }
            axes.append(Self.entries(prompts, of: lengths.count))
            let shape = configuration.shape(of: edit.point.kind, pos: length)
            for (axis, size) in zip(edit.point.kind.axes, shape) {
                let indices = edit.selection[axis]
                let isPositions = axis == .pos || axis == .sourcePos
                guard isPositions && !isOneLength else {
                    axes.append(Self.entries(indices, of: size))
                    continue
                }
                // Which positions are meant differs from prompt to prompt: only what reads the same is the same.
                axes.append(indices.map { [$0.hashValue] })
            }
        }

        func covers(_ other: Extent) -> Bool {
            zip(axes, other.axes).allSatisfy { mine, theirs in
                guard let mine else { return true }
                return theirs.map { $0.isSubset(of: mine) } ?? false
            }
        }

        private static func entries(_ indices: Indices?, of size: Int) -> Set<Int>? {
            guard let entries = indices.flatMap({ try? $0.resolved(count: size, "entry") }) else { return nil }
            return entries.count == size ? nil : Set(entries)
        }
    }
}

extension InterventionAction {
    /// Whether the result does not depend on what was there.
    fileprivate var overwrites: Bool {
        switch self {
        case .zero, .set, .meanOf, .patch, .mask: true
        case .mean, .add, .scale, .swap, .project: false
        }
    }
}
