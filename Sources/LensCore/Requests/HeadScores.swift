/// How much one head's pattern looks like each of the simple kinds.
///
/// Scores are averages over the prompts; all lie in 0...1. `self`, `previous`, `first` and `duplicate` are the share
/// of attention, over destinations where the target exists, that goes to it.
public struct HeadScores: Sendable, Hashable {
    public var layer: Int
    public var head: Int
    /// Attention to the query's own position.
    public var toSelf: Double
    /// Attention to the position before.
    public var toPrevious: Double
    /// The distance of at least 2 that gets most attention, and how much.
    public var distance: Int
    public var toDistance: Double
    /// Attention to the first position.
    public var toFirst: Double
    /// Attention to earlier occurrences of the query's own token.
    public var toDuplicate: Double
    /// Attention to the successors of earlier occurrences of the query's own token.
    public var toInduction: Double
    /// Entropy of the pattern over log of the number of visible keys, averaged over destinations from the second on.
    public var entropy: Double
    /// TransformerLens's `detect_head` with error measure `mul`, for its three kinds.
    public var detectPrevious: Double
    public var detectDuplicate: Double
    public var detectInduction: Double

    public init(
        layer: Int, head: Int, toSelf: Double, toPrevious: Double, distance: Int, toDistance: Double, toFirst: Double,
        toDuplicate: Double, toInduction: Double, entropy: Double, detectPrevious: Double, detectDuplicate: Double,
        detectInduction: Double
    ) {
        self.layer = layer
        self.head = head
        self.toSelf = toSelf
        self.toPrevious = toPrevious
        self.distance = distance
        self.toDistance = toDistance
        self.toFirst = toFirst
        self.toDuplicate = toDuplicate
        self.toInduction = toInduction
        self.entropy = entropy
        self.detectPrevious = detectPrevious
        self.detectDuplicate = detectDuplicate
        self.detectInduction = detectInduction
    }
}

public struct HeadScoresRequest: Sendable {
    public var model: ModelReference
    public var prompts: [Prompt]

    public init(model: ModelReference, prompts: [Prompt]) {
        self.model = model
        self.prompts = prompts
    }
}

public struct HeadScoresReply: Sendable {
    public var model: String
    public var fingerprint: String
    public var tokens: [[Token]]
    public var heads: [HeadScores]

    public init(model: String, fingerprint: String, tokens: [[Token]], heads: [HeadScores]) {
        self.model = model
        self.fingerprint = fingerprint
        self.tokens = tokens
        self.heads = heads
    }
}
