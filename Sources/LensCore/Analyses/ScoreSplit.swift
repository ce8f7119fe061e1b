/// Asks why a head attends where it does: its score as a sum over what the query and the key are made of.
public struct ScoreSplitRequest: Sendable {
    public var source: PassSource
    /// Which prompt of the pass.
    public var prompt: Int
    public var layer: Int
    public var head: Int
    /// Positions, from the end where negative; none means all.
    public var destinations: [Int]
    public var sources: [Int]
    public var detail: ScoreSplitDetail
    /// Whether scores and terms have their mean over the sources that the destination sees taken off.
    public var isRelative: Bool
    /// How many pairs of components to name, the largest first; only for one destination and one source.
    public var topCount: Int

    public init(
        source: PassSource, prompt: Int = 0, layer: Int, head: Int, destinations: [Int] = [], sources: [Int] = [],
        detail: ScoreSplitDetail = .groups, isRelative: Bool = false, topCount: Int = 0
    ) {
        self.source = source
        self.prompt = prompt
        self.layer = layer
        self.head = head
        self.destinations = destinations
        self.sources = sources
        self.detail = detail
        self.isRelative = isRelative
        self.topCount = topCount
    }
}

/// How finely a query and a key are taken apart.
public enum ScoreSplitDetail: Int, Sendable, CaseIterable {
    /// Token, position, attention, MLPs, bias.
    case groups = 1
    /// The same with each earlier layer's attention and MLP on their own.
    case layers
    /// Each earlier head on its own too.
    case components
}

/// Scores of one head, split: query component × key component.
public struct ScoreSplitReply: Sendable, Hashable {
    public var model: String
    public var form: ModelReference.Form
    public var fingerprint: String
    public var tokens: [Token]
    /// Counted from the front.
    public var destinations: [Int]
    public var sources: [Int]
    /// Of the query and of the key.
    public var components: [ResidualComponent]
    /// `[destination, source]`, before the softmax; −∞ where the destination does not see the source.
    public var scores: [Float]
    /// `[destination, source]`
    public var pattern: [Float]
    /// `[query component, key component, destination, source]`: they sum to the score before a cap and without a
    /// position bias. 0 where the destination does not see the source.
    public var terms: [Float]
    /// `[destination, source]`: what ALiBi adds; empty for other models.
    public var positionBias: [Float]
    /// Scores are `cap · tanh(sum of terms / cap)`; `nil` where they are not capped.
    public var softCap: Float?
    /// Whether queries and keys are turned to their positions: the turn is then part of every term.
    public var isRotary: Bool
    public var top: [ScorePair]

    public init(
        model: String, form: ModelReference.Form, fingerprint: String, tokens: [Token], destinations: [Int],
        sources: [Int], components: [ResidualComponent], scores: [Float], pattern: [Float], terms: [Float],
        positionBias: [Float] = [], softCap: Float? = nil, isRotary: Bool = false, top: [ScorePair] = []
    ) {
        self.model = model
        self.form = form
        self.fingerprint = fingerprint
        self.tokens = tokens
        self.destinations = destinations
        self.sources = sources
        self.components = components
        self.scores = scores
        self.pattern = pattern
        self.terms = terms
        self.positionBias = positionBias
        self.softCap = softCap
        self.isRotary = isRotary
        self.top = top
    }
}

/// One term of a score.
public struct ScorePair: Sendable, Hashable {
    public var query: ResidualComponent
    public var key: ResidualComponent
    public var value: Float

    public init(query: ResidualComponent, key: ResidualComponent, value: Float) {
        self.query = query
        self.key = key
        self.value = value
    }
}
