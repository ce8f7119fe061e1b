/// Asks what the model would predict from each point of the residual stream, through the final norm.
public struct LogitLensRequest: Sendable {
    public var source: PassSource
    /// Positions, from the end where negative; none means all.
    public var positions: [Int]
    /// Whose `resid_pre` (and `resid_mid`) are looked at beside the final stream, from the end where negative; none
    /// means all.
    public var layers: [Int]
    public var withMid: Bool
    /// How many tokens to name at each place.
    public var topCount: Int
    /// Tokens to rank at each place.
    public var tokens: [Int32]

    public init(
        source: PassSource, positions: [Int] = [], layers: [Int] = [], withMid: Bool = false, topCount: Int = 5,
        tokens: [Int32] = []
    ) {
        self.source = source
        self.positions = positions
        self.layers = layers
        self.withMid = withMid
        self.topCount = topCount
        self.tokens = tokens
    }
}

public struct LogitLensReply: Sendable, Hashable {
    public var model: String
    public var form: ModelReference.Form
    public var fingerprint: String
    /// Names of hook points, in the order of the pass; the last is the final residual stream.
    public var points: [String]
    /// Every token that ``prompts`` speak of, once.
    public var vocabulary: [Token]
    /// The tokens that were asked for.
    public var tokens: [Int32]
    public var topCount: Int
    public var prompts: [PromptLens]

    public init(
        model: String, form: ModelReference.Form, fingerprint: String, points: [String], vocabulary: [Token],
        tokens: [Int32], topCount: Int, prompts: [PromptLens]
    ) {
        self.model = model
        self.form = form
        self.fingerprint = fingerprint
        self.points = points
        self.vocabulary = vocabulary
        self.tokens = tokens
        self.topCount = topCount
        self.prompts = prompts
    }
}

/// One prompt's predictions from each point of the residual stream.
public struct PromptLens: Sendable, Hashable {
    public var tokens: [Token]
    /// Counted from the front.
    public var positions: [Int]
    /// `[point, position, rank]`, the likeliest first.
    public var topTokens: [Int32]
    public var topLogprobs: [Float]
    /// `[point, position]`: the log of the sum of the exponentials; a logit is a log probability plus this.
    public var logSums: [Float]
    /// `[point, position]`, in nats.
    public var entropies: [Float]
    /// `[point, position]`: `KL(final ‖ this)`, in nats.
    public var divergences: [Float]
    /// `[point, position]`, of the token that comes next in the prompt; NaN and −1 behind the last position.
    public var nextLogprobs: [Float]
    public var nextRanks: [Int]
    /// `[point, position, token]`, of the tokens that were asked for; rank 0 is the likeliest.
    public var tokenLogprobs: [Float]
    public var tokenRanks: [Int]

    public init(
        tokens: [Token], positions: [Int], topTokens: [Int32] = [], topLogprobs: [Float] = [], logSums: [Float] = [],
        entropies: [Float] = [], divergences: [Float] = [], nextLogprobs: [Float] = [], nextRanks: [Int] = [],
        tokenLogprobs: [Float] = [], tokenRanks: [Int] = []
    ) {
        self.tokens = tokens
        self.positions = positions
        self.topTokens = topTokens
        self.topLogprobs = topLogprobs
        self.logSums = logSums
        self.entropies = entropies
        self.divergences = divergences
        self.nextLogprobs = nextLogprobs
        self.nextRanks = nextRanks
        self.tokenLogprobs = tokenLogprobs
        self.tokenRanks = tokenRanks
    }
}
