/// How much one head's pattern looks like each of the simple kinds.
///
/// Shares of attention are means over the destinations of all prompts, from the third position on, where the target
/// exists; all lie in 0...1.
public struct HeadScores: Sendable, Hashable {
    public var layer: Int
    public var head: Int
    /// Attention to the query's own position.
    public var toSelf: Double
    /// Attention to the position before.
    public var toPrevious: Double
    /// The distance of at least 2 that gets most attention, and how much; the first position counts for no distance.
    public var distance: Int
    public var toDistance: Double
    /// Attention to the first position.
    public var toFirst: Double
    /// Attention to earlier occurrences of the query's own token.
    public var toDuplicate: Double
    /// Attention to the successors of earlier occurrences of the query's own token.
    public var toInduction: Double
    /// What even attention would give these two.
    public var evenDuplicate: Double
    public var evenInduction: Double
    /// Entropy of the pattern over log of the number of visible keys, averaged.
    public var entropy: Double
    /// How far the pattern is from even attention: the mean of `KL(pattern ‖ even)`, in nats a destination.
    public var structure: Double
    /// The share of ``structure`` that position alone explains: how much closer to the pattern than even attention is
    /// the best head whose scores depend on the distance and on whether the source is the first position, and on
    /// nothing else. Fitted on three quarters of the destinations and measured on the fourth; 0 where there is no
    /// structure.
    public var position: Double
    /// TransformerLens's `detect_head` with error measure `mul`, for its three kinds; averages over the prompts.
    public var detectPrevious: Double
    public var detectDuplicate: Double
    public var detectInduction: Double
    /// What the head is called, and why.
    public var kinds: [HeadFinding]

    public init(
        layer: Int, head: Int, toSelf: Double, toPrevious: Double, distance: Int, toDistance: Double, toFirst: Double,
        toDuplicate: Double, toInduction: Double, evenDuplicate: Double = 0, evenInduction: Double = 0,
        entropy: Double, structure: Double = 0, position: Double = 0, detectPrevious: Double,
        detectDuplicate: Double, detectInduction: Double, kinds: [HeadFinding] = []
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
        self.evenDuplicate = evenDuplicate
        self.evenInduction = evenInduction
        self.entropy = entropy
        self.structure = structure
        self.position = position
        self.detectPrevious = detectPrevious
        self.detectDuplicate = detectDuplicate
        self.detectInduction = detectInduction
        self.kinds = kinds
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
