/// All that a head's kinds are decided by: the one place that has the thresholds.
public struct HeadEvidence: Sendable, Hashable {
    public var scores: HeadScores
    /// On repeated random tokens; `nil` where that was not measured.
    public var repeats: RepeatScores?
    /// How much of the pattern the tokens explain beyond position, in 0...1; `nil` where that is not known.
    public var tokens: Double?

    public init(scores: HeadScores, repeats: RepeatScores? = nil, tokens: Double? = nil) {
        self.scores = scores
        self.repeats = repeats
        self.tokens = tokens
    }

    /// The share of attention from which on a head is called after the place that gets it.
    public static let share = 0.4
    /// How many times more than even attention earlier occurrences (or their successors) get, at least, in a text.
    public static let lift = 2.0
    /// The relative entropy from which on a head is broad, and called after nothing it does with the rest.
    public static let broad = 0.85
    /// What position alone explains of the pattern where a head goes by position; below it, by content.
    public static let position = 0.5
    /// The part of what position leaves that tokens explain where a head is semantic; below it, it is contextual. In the
    /// first layer there is nothing but tokens and positions to go by, so that no head is contextual there.
    public static let tokens = 0.1
    /// From fewer prompts it is not known what tokens explain.
    public static let leastPrompts = 8

    /// The kinds that the evidence speaks for: places and repeats first, strongest first, then what is left.
    public var findings: [HeadFinding] {
        var found = places + repetitions
        found.sort { $0.score > $1.score }
        if scores.entropy >= Self.broad {
            found.append(
                HeadFinding(
                    kind: .broad, score: scores.entropy,
                    why: "its entropy is \(percent(scores.entropy)) of what even attention has"))
        } else if scores.structure > 0, scores.position >= Self.position {
            if found.isEmpty { found.append(positional) }
        } else if scores.structure > 0, !found.contains(where: { [.duplicate, .induction].contains($0.kind) }) {
            found.append(content)
        }
        return found
    }

    private var places: [HeadFinding] {
        [
            (HeadKind.toSelf, scores.toSelf, "the position itself"),
            (.previous, scores.toPrevious, "the position before"),
            (.distance(scores.distance), scores.toDistance, "the position \(scores.distance) before"),
            (.first, scores.toFirst, "the first position"),
        ].compactMap { kind, score, place in
            guard score >= Self.share else { return nil }
            return HeadFinding(kind: kind, score: score, why: "\(place) gets \(percent(score)) of its attention")
        }
    }

    /// A text alone can mislead, since what repeats in it stands at some distance: it counts where position explains
    /// less than half.
    private var repetitions: [HeadFinding] {
        [
            (HeadKind.duplicate, repeats?.duplicate, scores.toDuplicate, scores.evenDuplicate, "earlier occurrences"),
            (.induction, repeats?.induction, scores.toInduction, scores.evenInduction, "what followed earlier ones"),
        ].compactMap { kind, random, share, even, place in
            if let random, random >= Self.share {
                return HeadFinding(
                    kind: kind, score: random,
                    why: "of repeated random tokens, \(place) get \(percent(random)) of its attention")
            }
            guard share >= Self.share, share >= Self.lift * even, scores.position < Self.position else { return nil }
            return HeadFinding(
                kind: kind, score: share,
                why: "\(place) of the same token get \(percent(share)) of its attention; even attention: "
                    + percent(even))
        }
    }

    private var positional: HeadFinding {
        HeadFinding(
            kind: .positional, score: scores.position,
            why: "position alone explains \(percent(scores.position)) of its pattern, and no place gets "
                + "\(percent(Self.share)) of its attention")
    }

    private var content: HeadFinding {
        let rest = 1 - scores.position
        let leaves = "position alone explains \(percent(scores.position)) of its pattern"
        guard let tokens else { return HeadFinding(kind: .semantic, score: rest, why: leaves) }
        return HeadFinding(
            kind: scores.layer == 0 || tokens >= Self.tokens * rest ? .semantic : .contextual, score: rest,
            why: "\(leaves), which tokens there are \(percent(tokens)) beyond it")
    }

    private func percent(_ share: Double) -> String {
        guard share.isFinite else { return "-" }
        return "\(Int((100 * min(max(share, 0), 1)).rounded())) %"
    }
}

/// What a head does with random tokens that come twice.
public struct RepeatScores: Sendable, Hashable {
    /// Share of attention, in the second half, to the first occurrence of the query's own token.
    public var duplicate: Double
    /// The same to the token behind that.
    public var induction: Double

    public init(duplicate: Double, induction: Double) {
        self.duplicate = duplicate
        self.induction = induction
    }
}

extension HeadKind {
    /// The kinds that a head's scores over some prompts speak for.
    public static func kinds(of scores: HeadScores) -> [HeadFinding] { HeadEvidence(scores: scores).findings }
}
