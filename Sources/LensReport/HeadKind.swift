import LensCore

/// What people call an attention head after its pattern. A head may be of several kinds.
public enum HeadKind: Sendable, Hashable {
    /// Attends to its own position.
    case toSelf
    /// Attends to the position before.
    case previous
    /// Attends to a fixed number of positions back, two or more.
    case distance(Int)
    /// Rests on the first position.
    case first
    /// Attends to earlier occurrences of its own token.
    case duplicate
    /// Attends to what followed earlier occurrences of its own token.
    case induction
    /// Spreads over all it can see.
    case broad

    /// The share of attention from which on a head is called by a kind.
    public static let shareThreshold = 0.4
    /// The relative entropy from which on a head is called broad.
    public static let broadThreshold = 0.85

    /// The kinds that a head's scores speak for, strongest first, each with its score in 0...1.
    public static func kinds(of scores: HeadScores) -> [(kind: HeadKind, score: Double)] {
        let shares: [(kind: HeadKind, score: Double)] = [
            (.toSelf, scores.toSelf), (.previous, scores.toPrevious), (.distance(scores.distance), scores.toDistance),
            (.first, scores.toFirst), (.duplicate, scores.toDuplicate), (.induction, scores.toInduction),
        ]
        var kinds = shares.filter { $0.score >= shareThreshold }.sorted { $0.score > $1.score }
        if scores.entropy >= broadThreshold { kinds.append((.broad, scores.entropy)) }
        return kinds
    }
}

extension HeadKind: CustomStringConvertible {
    /// One or two words for a table or a caption.
    public var description: String {
        switch self {
        case .toSelf: "self"
        case .previous: "previous"
        case .distance(let distance): "distance \(distance)"
        case .first: "first token"
        case .duplicate: "duplicate"
        case .induction: "induction"
        case .broad: "broad"
        }
    }
}
