/// All heads of a model, each with what it is called, why, and what it does.
public struct HeadAtlas: Sendable, Hashable {
    public var model: String
    public var form: ModelReference.Form
    public var fingerprint: String
    /// Whether the prompts are the daemon's own stories.
    public var isBuiltInCorpus: Bool
    public var promptCount: Int
    public var tokenCount: Int
    /// Over all prompts.
    public var predictionCount: Int
    /// Mean over all predictions of all prompts, in nats; NaN where nothing was ablated.
    public var baselineLoss: Double
    /// `nil` where nothing was ablated.
    public var ablation: AblationKind?
    /// Tokens of the longest random sequence that came twice; 0 where the model has no room for one.
    public var repeatedLength: Int
    /// In the order of layers and heads.
    public var heads: [HeadProfile]

    public init(
        model: String, form: ModelReference.Form, fingerprint: String, isBuiltInCorpus: Bool, promptCount: Int,
        tokenCount: Int, predictionCount: Int, baselineLoss: Double, ablation: AblationKind?, repeatedLength: Int,
        heads: [HeadProfile]
    ) {
        self.model = model
        self.form = form
        self.fingerprint = fingerprint
        self.isBuiltInCorpus = isBuiltInCorpus
        self.promptCount = promptCount
        self.tokenCount = tokenCount
        self.predictionCount = predictionCount
        self.baselineLoss = baselineLoss
        self.ablation = ablation
        self.repeatedLength = repeatedLength
        self.heads = heads
    }

    /// `NAME` or `NAME@raw`.
    public var modelName: String { ModelReference(name: model, form: form).description }
}

/// One head of an atlas.
public struct HeadProfile: Sendable, Hashable {
    /// Over the prompts; its kinds go by all that is known here.
    public var scores: HeadScores
    /// On repeated random tokens; `nil` where that was not measured.
    public var repeats: RepeatScores?
    /// How much of ``HeadScores/structure`` the tokens explain beyond position, in 0...1.
    public var tokens: Double
    /// Mean attention to the first position, then to the query's own, the one before and so on: what is left belongs
    /// to farther ones.
    public var byDistance: [Double]
    /// Where the attention that position does not explain goes, strongest first.
    public var pairs: [TokenPair]
    /// What ablating the head does to the loss, in nats; NaN where nothing was ablated.
    public var loss: Double
    public var delta: Double
    /// Of `delta`, paired over the predictions; NaN with fewer than two.
    public var standardError: Double
    /// Eigenvalue copying score of the head's OV circuit, −1...1; NaN where it was not computed.
    public var copying: Double

    public init(
        scores: HeadScores, repeats: RepeatScores? = nil, tokens: Double = 0, byDistance: [Double] = [],
        pairs: [TokenPair] = [], loss: Double = .nan, delta: Double = .nan, standardError: Double = .nan,
        copying: Double = .nan
    ) {
        self.scores = scores
        self.repeats = repeats
        self.tokens = tokens
        self.byDistance = byDistance
        self.pairs = pairs
        self.loss = loss
        self.delta = delta
        self.standardError = standardError
        self.copying = copying
    }

    /// What is neither by position nor by tokens, in 0...1.
    public var context: Double { max(1 - scores.position - tokens, 0) }

    /// `L0H3`
    public var label: String { "L\(scores.layer)H\(scores.head)" }
}

/// A token that attends to another, in many places of a corpus.
public struct TokenPair: Sendable, Hashable {
    public var destination: Token
    public var source: Token
    /// Attention beyond what position explains, the mean over ``places``.
    public var weight: Double
    /// Where it is at least ``countedFrom``.
    public var places: Int

    /// The least attention beyond what position explains that counts.
    public static let countedFrom = 0.02

    public init(destination: Token, source: Token, weight: Double, places: Int) {
        self.destination = destination
        self.source = source
        self.weight = weight
        self.places = places
    }
}
