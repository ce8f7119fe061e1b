import LensCore
import LensModel

/// Holds edits against texts that grow: an edit must do to a position what it will still do to it when others follow.
///
/// Then a run of the final tokens under the same edits has the activations that were there while they were generated.
struct CausalCheck {
    let configuration: ModelConfiguration
    /// Tokens of each prompt, before anything is generated.
    let lengths: [Int]

    /// - Throws: `INVALID_ARGUMENT` saying what changes with each new token.
    func edit(_ edit: Intervention) throws(LensError) {
        func refuse(_ reason: String) -> LensError {
            .invalidArgument("'\(edit.action.name)' at \(edit.point.name)\(edit.selection): \(reason)")
        }
        if case .mean = edit.action { throw refuse("the mean over positions changes with each new token") }
        for indices in [edit.selection.positions, edit.selection.sources] where indices?.countsFromEnd == true {
            throw refuse("the end moves with each new token; count positions from the front")
        }
        if goesOn(edit.selection) {
            switch edit.action {
            case .patch, .swap:
                throw refuse("there are no values for new tokens; name positions of the prompt")
            case .set(let operand), .add(let operand):
                guard edit.selection.isSame(forAllPositions: operand, of: edit.point.kind) else {
                    throw refuse(
                        "new tokens get values too; give one for all positions, or name positions of the prompt")
                }
            default: break
            }
        }
        guard edit.point.kind == .attnScores || edit.point.kind == .pattern else { return }
        if case .project = edit.action { throw refuse("a direction over source positions grows with each new token") }
        if edit.action.touchesMasked(in: edit.point.kind), !edit.selection.seesOnlyEarlier {
            throw refuse(
                "it would let positions see others that are still to come; name sources no later than the positions")
        }
    }

    /// Whether an edit is for new tokens too.
    private func goesOn(_ selection: Selection) -> Bool {
        guard let positions = selection.positions else { return true }
        guard case .range(_, let stop, _) = positions else { return false }
        guard let stop else { return true }
        return lengths.enumerated().contains { selection.contains(prompt: $0) && stop > $1 }
    }
}

extension Indices {
    /// Whether an entry's place hangs on the axis's size.
    fileprivate var countsFromEnd: Bool {
        switch self {
        case .index(let index): index < 0
        case .list(let indices): indices.contains { $0 < 0 }
        case .range(let start, let stop, let step): step < 0 || (start ?? 0) < 0 || (stop ?? 0) < 0
        }
    }

    fileprivate var lowest: Int {
        switch self {
        case .index(let index): index
        case .list(let indices): indices.min() ?? 0
        case .range(let start, _, _): start ?? 0
        }
    }

    /// `nil` where there is no bound.
    fileprivate var highest: Int? {
        switch self {
        case .index(let index): index
        case .list(let indices): indices.max()
        case .range(_, let stop, _): stop.map { $0 - 1 }
        }
    }
}

extension Selection {
    /// Whether no chosen source lies behind a chosen position.
    fileprivate var seesOnlyEarlier: Bool {
        guard let highest = sources?.highest else { return false }
        return highest <= positions?.lowest ?? 0
    }

    /// Whether an operand has one value for all positions.
    fileprivate func isSame(forAllPositions operand: Operand, of kind: HookKind) -> Bool {
        guard let axis = kind.axes.firstIndex(of: .pos) else { return true }
        let behind = kind.axes[(axis + 1)...].filter { self[$0]?.isDropped != true }.count
        return operand.shape.dropLast(behind).last ?? 1 == 1
    }
}

extension InterventionAction {
    /// Whether masked entries come to count: what is zero in a pattern and −∞ in scores is no longer.
    fileprivate func touchesMasked(in kind: HookKind) -> Bool {
        switch self {
        case .mask: false
        case .zero: kind == .attnScores
        case .scale(let factor): kind == .attnScores && !(factor > 0)
        case .mean, .meanOf, .set, .add, .patch, .swap, .project: true
        }
    }
}

extension Selection {
    /// What is meant of the new rows of a sequence that goes on; `nil` where it is none of them.
    ///
    /// - Parameter rows: the absolute positions of the new rows.
    func continued(in rows: Range<Int>) -> Selection? {
        var selection = self
        switch positions {
        case nil: break
        case .index(let index):
            guard rows.contains(index) else { return nil }
            selection.positions = .index(index - rows.lowerBound)
        case .list(let list):
            let here = list.filter(rows.contains).map { $0 - rows.lowerBound }
            guard !here.isEmpty else { return nil }
            selection.positions = .list(here)
        case .range(let start, let stop, let step):
            let here = rows.filter { row in
                row >= start ?? 0 && row < stop ?? .max && (row - (start ?? 0)).isMultiple(of: max(step, 1))
            }
            guard !here.isEmpty else { return nil }
            selection.positions = .list(here.map { $0 - rows.lowerBound })
        }
        return selection
    }
}
