import LensCore
import LensModel

/// Holds edits against the shapes of a run's activations: an edit that cannot apply is an error, never passed over.
struct InterventionCheck {
    let configuration: ModelConfiguration
    /// Tokens of each prompt of the run.
    let lengths: [Int]

    /// - Returns: how many values the edit touches in all prompts.
    func edit(_ edit: Intervention) throws(LensError) -> Double {
        let kind = edit.point.kind
        try checkAction(edit.action, at: edit.point)
        var values = 0.0
        for (prompt, length) in lengths.enumerated() where try edit.selection.contains(prompt: prompt) {
            let part: SelectedPart
            do throws(LensError) {
                part = try SelectedPart(
                    edit.selection, of: kind, shape: configuration.shape(of: kind, pos: length))
                try check(edit, part, prompt: prompt)
            } catch {
                let place = lengths.count == 1 ? "" : ", prompt \(prompt)"
                throw LensError(error.code, "\(edit.action.name) at \(edit.point.name)\(place): \(error.message)")
            }
            values += Double(part.count)
        }
        return values
    }

    // MARK: - Actions

    private func checkAction(_ action: Intervention.Action, at point: HookPoint) throws(LensError) {
        let kind = point.kind
        let isSquare = kind == .attnScores || kind == .pattern
        switch action {
        case .mask where !isSquare:
            throw .invalidArgument(
                "\(point.name) cannot be masked; \(HookKind.attnScores.suffix) and \(HookKind.pattern.suffix) can")
        case .mean where kind == .attnScores:
            throw .invalidArgument(
                "\(kind.suffix) has no mean over positions: masked entries are -inf; edit \(HookKind.pattern.suffix)")
        case .meanOf where isSquare:
            throw .invalidArgument("\(kind.suffix) has no mean over other prompts: its size is the prompt's own")
        case .zero where kind == .tokens, .mean where kind == .tokens, .scale where kind == .tokens,
            .add where kind == .tokens, .project where kind == .tokens, .meanOf where kind == .tokens:
            throw .invalidArgument(
                "\(point.name) holds token ids: they can be set, patched and swapped, not \(action.name)")
        default: break
        }
    }

    private func check(_ edit: Intervention, _ part: SelectedPart, prompt: Int) throws(LensError) {
        switch edit.action {
        case .set(let operand), .add(let operand): try part.checkBroadcast(operand.shape, at: edit.point)
        case .project(let direction):
            guard edit.selection.components == nil else {
                throw .invalidArgument("a direction spans all components; leave 'component' out")
            }
            guard direction.shape == [part.components.count] else {
                throw .invalidArgument(
                    "a direction has shape [\(part.components.count)]; received \(direction.shape)")
            }
            guard direction.values.contains(where: { $0 != 0 }), direction.values.allSatisfy(\.isFinite) else {
                throw .invalidArgument("a direction has finite entries that are not all zero")
            }
        case .swap(let other): try check(edit, swappedWith: other, prompt: prompt)
        case .patch(let source, let wanted, let positions):
            try check(edit, part, patchedFrom: source, prompt: prompt, wanted: wanted, positions: positions)
        default: break
        }
    }

    private func check(_ edit: Intervention, swappedWith other: Int, prompt: Int) throws(LensError) {
        guard lengths.indices.contains(other) else { throw .outOfRange("prompt", other, lengths.indices) }
        guard let chosen = edit.selection.prompts ?? (lengths.count == 2 ? .list([1 - other]) : nil),
            case .list(let list) = chosen, list.count == 1 || edit.selection.prompts == nil,
            prompt != other || list != [other]
        else {
            throw .invalidArgument("a swap names the one prompt that is exchanged with prompt \(other)")
        }
        let shapes = [prompt, other].map { configuration.shape(of: edit.point.kind, pos: lengths[$0]) }
        let parts = try shapes.map { (shape) throws(LensError) in
            try SelectedPart(edit.selection, of: edit.point.kind, shape: shape).droppedShape
        }
        guard parts[0] == parts[1] else {
            throw .invalidArgument(
                "prompts \(prompt) and \(other) have \(lengths[prompt]) and \(lengths[other]) tokens; "
                    + "name positions that both have")
        }
        let total = lengths.reduce(0, +)
        let limit = RowBudget(configuration).rows
        guard total <= limit else {
            throw .invalidArgument("a run with a swap has at most \(limit) tokens in all; received \(total)")
        }
    }

    private func check(
        _ edit: Intervention, _ part: SelectedPart, patchedFrom source: Recipe, prompt: Int, wanted: Int?,
        positions: Indices?
    ) throws(LensError) {
        let count = source.tokens.count
        let other = wanted ?? (count == 1 ? 0 : prompt)
        guard (0..<count).contains(other) else { throw .outOfRange("prompt of the other pass", other, 0..<count) }
        guard wanted != nil || count == 1 || count == lengths.count else {
            throw .invalidArgument(
                "the other pass has \(count) prompts and this one \(lengths.count): name the prompt to take from")
        }
        let (own, theirs) = (lengths[prompt], source.tokens[other].count)
        let isWhole = edit.selection.positions == nil && positions == nil
        guard own == theirs || !isWhole else {
            throw .invalidArgument(
                "the other pass has \(theirs) tokens and this one \(own): name the positions")
        }
        var selection = edit.selection
        if let positions { selection.positions = positions }
        let taken = try SelectedPart(
            selection, of: edit.point.kind, shape: configuration.shape(of: edit.point.kind, pos: theirs))
        guard taken.droppedShape == part.droppedShape || taken.entries.map(\.count) == part.entries.map(\.count) else {
            throw .invalidArgument(
                "the part that is taken has shape \(taken.droppedShape), the part that is edited \(part.droppedShape)")
        }
    }

    // MARK: - Contradictions

    /// An edit that leaves nothing of an earlier one, or that cannot happen beside it.
    func contradictions(of edit: Intervention, with earlier: ArraySlice<Intervention>) throws(LensError) {
        // An edited input of the heads is normed head by head, so the block's own norm is not there to be edited.
        let inputs: Set<HookKind> = [.attnIn, .qInput, .kInput, .vInput]
        let norms: Set<HookKind> = [.ln1Scale, .ln1Normalized]
        for other in earlier where other.point.layer == edit.point.layer {
            for (input, norm) in [(edit, other), (other, edit)]
            where inputs.contains(input.point.kind) && norms.contains(norm.point.kind) {
                throw .invalidArgument(
                    "\(norm.point.name) cannot be edited together with the inputs of its layer's heads "
                        + "(\(input.point.name)), which have norms of their own")
            }
        }
        guard edit.action.overwrites else { return }
        if let lost = earlier.first(where: { $0.point == edit.point && edit.selection.covers($0.selection) }) {
            throw .invalidArgument(
                "'\(edit.action.name)' at \(edit.point.name)\(edit.selection) leaves nothing of "
                    + "'\(lost.action.name)'\(lost.selection) before it")
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

extension Selection {
    /// Whether everything that another selection means is meant by this one.
    fileprivate func covers(_ other: Selection) -> Bool {
        let pairs = [
            (prompts, other.prompts), (heads, other.heads), (positions, other.positions), (sources, other.sources),
            (components, other.components),
        ]
        return pairs.allSatisfy { mine, theirs in mine == nil || mine == theirs }
    }
}
