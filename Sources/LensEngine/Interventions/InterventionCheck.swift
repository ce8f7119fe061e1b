import LensCore
import LensModel

/// Holds edits against the shapes of a run's activations: an edit that cannot apply is an error, never passed over.
struct InterventionCheck {
    let configuration: ModelConfiguration
    /// Tokens of each prompt of the run.
    let lengths: [Int]

    /// - Returns: how many values the edit touches in all prompts.
    func edit(_ edit: Intervention) throws(LensError) -> Double {
        try checkAction(edit.action, at: edit.point)
        try checkValues(edit.action, at: edit.point)
        var values = 0.0
        // What is right for a prompt is right for others of its length, whose other pass has the same length too.
        var known: [[Int]: Int] = [:]
        for (prompt, length) in lengths.enumerated() where edit.selection.contains(prompt: prompt) {
            let alike = [length, otherLength(edit, prompt)]
            if let count = known[alike] {
                values += Double(count)
                continue
            }
            do throws(LensError) {
                let shape = configuration.shape(of: edit.point.kind, pos: length)
                let part = try SelectedPart(edit.selection, of: edit.point.kind, shape: shape)
                try check(edit, part, prompt: prompt)
                known[alike] = part.count
                values += Double(part.count)
            } catch {
                let place = lengths.count == 1 ? "" : ", prompt \(prompt)"
                throw LensError(error.code, "\(edit.action.name) at \(edit.point.name)\(place): \(error.message)")
            }
        }
        return values
    }

    /// Tokens of the prompt that a patch takes from; 0 where it is the same for all or cannot be said.
    private func otherLength(_ edit: Intervention, _ prompt: Int) -> Int {
        guard case .patch(let source, nil, _) = edit.action, source.tokens.count > 1,
            source.tokens.indices.contains(prompt)
        else { return 0 }
        return source.tokens[prompt].count
    }

    // MARK: - Actions and points

    private func checkAction(_ action: Intervention.Action, at point: HookPoint) throws(LensError) {
        let kind = point.kind
        let scores = HookKind.attnScores.suffix
        switch (kind, action) {
        case (.attnScores, .mask), (.pattern, .mask): break
        case (_, .mask):
            throw .invalidArgument("\(point.name) cannot be masked; \(scores) and \(HookKind.pattern.suffix) can")
        case (.attnScores, .mean), (.attnScores, .project):
            throw .invalidArgument(
                "\(point.name) has no \(action.name): masked scores are -inf; edit \(HookKind.pattern.suffix)")
        case (.attnScores, .meanOf), (.pattern, .meanOf):
            throw .invalidArgument("\(point.name) has no mean over other prompts: its size is the prompt's own")
        case (.attnScores, .scale(let factor)) where factor <= 0:
            throw .invalidArgument(
                "\(point.name) is scaled by a number above 0, for masked scores are -inf; received \(factor)")
        case (.tokens, .set), (.tokens, .patch), (.tokens, .swap): break
        case (.tokens, _):
            throw .invalidArgument(
                "\(point.name) holds token ids: they can be set, patched and swapped; received '\(action.name)'")
        case (_, .zero) where kind.isNormScale, (_, .scale(0)) where kind.isNormScale,
            (_, .project) where kind.isNormScale:
            throw .invalidArgument("\(point.name) is what a norm divides by: it cannot become zero")
        default: break
        }
    }

    private func checkValues(_ action: Intervention.Action, at point: HookPoint) throws(LensError) {
        switch action {
        case .set(let operand), .add(let operand):
            let isAllowed: (Float) -> Bool =
                switch point.kind {
                // Scores may be masked by values, too.
                case .attnScores: { $0.isFinite || $0 == -.infinity }
                case .tokens: { [ids = Float(configuration.dVocab)] in (0..<ids).contains($0) && $0 == $0.rounded() }
                case let kind where kind.isNormScale: { $0.isFinite && $0 != 0 }
                default: \.isFinite
                }
            guard let wrong = operand.values.first(where: { !isAllowed($0) }) else { return }
            let expected =
                switch point.kind {
                case .attnScores: "finite numbers or -inf"
                case .tokens: "token ids in 0...\(configuration.dVocab - 1)"
                case let kind where kind.isNormScale: "finite numbers that are not 0"
                default: "finite numbers"
                }
            throw .invalidArgument("\(action.name) at \(point.name) takes \(expected); received \(wrong)")
        case .project(let direction):
            guard direction.values.contains(where: { $0 != 0 }), direction.values.allSatisfy(\.isFinite) else {
                throw .invalidArgument(
                    "project at \(point.name) takes a direction of finite entries that are not all zero")
            }
        default: break
        }
    }

    // MARK: - Selected parts

    private func check(_ edit: Intervention, _ part: SelectedPart, prompt: Int) throws(LensError) {
        switch edit.action {
        case .set(let operand), .add(let operand): try part.checkBroadcast(operand.shape, at: edit.point)
        case .project(let direction):
            guard edit.selection[edit.point.kind.axes.last ?? .one] == nil else {
                throw .invalidArgument("a direction spans the whole innermost axis; leave its selection out")
            }
            guard direction.shape == [part.components.count] else {
                throw .invalidArgument(
                    "a direction has shape [\(part.components.count)]; received \(direction.shape)")
            }
        case .swap(let other): try check(edit, swappedWith: other, prompt: prompt)
        case .patch(let source, let wanted, let positions):
            try check(edit, part, patchedFrom: source, prompt: prompt, wanted: wanted, positions: positions)
        default: break
        }
    }

    private func check(_ edit: Intervention, swappedWith other: Int, prompt: Int) throws(LensError) {
        guard lengths.indices.contains(other) else { throw .outOfRange("prompt", other, lengths.indices) }
        guard case .list(let chosen)? = edit.selection.prompts, chosen.count == 1, chosen != [other] else {
            throw .invalidArgument("a swap names the one prompt that is exchanged with prompt \(other)")
        }
        let parts = try [prompt, other].map { (prompt) throws(LensError) in
            let shape = configuration.shape(of: edit.point.kind, pos: lengths[prompt])
            return try SelectedPart(edit.selection, of: edit.point.kind, shape: shape).droppedShape
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
        let kind = edit.point.kind
        let count = source.tokens.count
        guard wanted != nil || count == 1 || count == lengths.count else {
            throw .invalidArgument(
                "the other pass has \(count) prompts and this one \(lengths.count): name the prompt to take from")
        }
        let other = wanted ?? (count == 1 ? 0 : prompt)
        guard source.tokens.indices.contains(other) else {
            throw .outOfRange("prompt of the other pass", other, source.tokens.indices)
        }
        let (own, theirs) = (lengths[prompt], source.tokens[other].count)
        let isWhole = edit.selection.positions == nil && positions == nil
        guard own == theirs || !isWhole else {
            throw .invalidArgument("the other pass has \(theirs) tokens and this one \(own): name the positions")
        }
        var selection = edit.selection
        if let positions { selection.positions = positions }
        let taken: SelectedPart
        do throws(LensError) {
            taken = try SelectedPart(selection, of: kind, shape: configuration.shape(of: kind, pos: theirs))
        } catch {
            throw LensError(error.code, "in the other pass, which has \(theirs) tokens: \(error.message)")
        }
        guard taken.entries.map(\.count) == part.entries.map(\.count) else {
            throw .invalidArgument(
                "the part that is taken has shape \(taken.droppedShape), the part that is edited \(part.droppedShape)")
        }
    }
}
