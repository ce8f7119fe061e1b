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
    /// Follows position, but no single place: a window, or several distances.
    case positional
    /// Attends to earlier occurrences of its own token.
    case duplicate
    /// Attends to what followed earlier occurrences of its own token.
    case induction
    /// Goes by which tokens there are.
    case semantic
    /// Goes by neither position nor which tokens there are: by what earlier layers made of the text.
    case contextual
    /// Spreads over all it can see.
    case broad

    /// One word, as JSON and the wire have it; the distance is told apart.
    public var word: String {
        switch self {
        case .toSelf: "self"
        case .previous: "previous"
        case .distance: "distance"
        case .first: "first"
        case .positional: "positional"
        case .duplicate: "duplicate"
        case .induction: "induction"
        case .semantic: "semantic"
        case .contextual: "contextual"
        case .broad: "broad"
        }
    }

    /// - Parameter distance: of the kind `distance`, 2 or more.
    /// - Returns: `nil` for what is none of the words.
    public init?(word: String, distance: Int = 0) {
        switch word {
        case "self": self = .toSelf
        case "previous": self = .previous
        case "distance":
            guard distance >= 2 else { return nil }
            self = .distance(distance)
        case "first": self = .first
        case "positional": self = .positional
        case "duplicate": self = .duplicate
        case "induction": self = .induction
        case "semantic": self = .semantic
        case "contextual": self = .contextual
        case "broad": self = .broad
        default: return nil
        }
    }

    /// Positions back, for the kind `distance`; zero for all others.
    public var distance: Int {
        if case .distance(let distance) = self { distance } else { 0 }
    }
}

extension HeadKind: CustomStringConvertible {
    /// One or two words for a table or a caption.
    public var description: String {
        switch self {
        case .distance(let distance): "distance \(distance)"
        case .first: "first token"
        default: word
        }
    }
}

/// That a head is of a kind, and what says so.
public struct HeadFinding: Sendable, Hashable {
    public var kind: HeadKind
    /// In 0...1: the share of attention, of structure or of entropy that the kind is named for.
    public var score: Double
    /// The scores behind it, as a sentence.
    public var why: String

    public init(kind: HeadKind, score: Double, why: String) {
        self.kind = kind
        self.score = score
        self.why = why
    }
}
