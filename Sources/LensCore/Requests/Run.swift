/// What a forward pass was made from: enough to compute every activation of it again.
public struct Recipe: Sendable, Hashable {
    /// Fingerprint of the weights (see ``ModelDescription/fingerprint``).
    public var fingerprint: String
    public var model: ModelReference
    /// One array per prompt, as run (BOS included where it was put in front).
    public var tokens: [[Int32]]
    public var interventions: [Intervention]

    public init(fingerprint: String, model: ModelReference, tokens: [[Int32]], interventions: [Intervention]) {
        self.fingerprint = fingerprint
        self.model = model
        self.tokens = tokens
        self.interventions = interventions
    }
}

/// Which activations a run keeps at hand. Whatever is not kept is computed again from the recipe when asked for.
public enum NamesFilter: Sendable, Hashable {
    case none
    /// Every point that is not on demand.
    case all
    case names([String])
}

public struct RunRequest: Sendable {
    public var model: ModelReference
    /// The session's name, of the calling user; made on first use.
    public var session: String
    public var prompts: [Prompt]
    public var interventions: [InterventionSpec]
    /// How many next-token predictions to return per prompt, for its last position.
    public var topCount: Int
    public var wantsPerTokenLoss: Bool
    public var keep: NamesFilter
    /// Whether the run is written to the session and gets an id.
    public var isRecorded: Bool
    /// The loss costs the whole vocabulary for every position; a client that wants activations only leaves it out.
    public var wantsLoss: Bool

    public init(
        model: ModelReference, session: String = "default", prompts: [Prompt], interventions: [InterventionSpec] = [],
        topCount: Int = 0, wantsPerTokenLoss: Bool = false, keep: NamesFilter = .none, isRecorded: Bool = true,
        wantsLoss: Bool = true
    ) {
        self.model = model
        self.session = session
        self.prompts = prompts
        self.interventions = interventions
        self.topCount = topCount
        self.wantsPerTokenLoss = wantsPerTokenLoss
        self.keep = keep
        self.isRecorded = isRecorded
        self.wantsLoss = wantsLoss
    }
}

/// A possible next token.
public struct Prediction: Sendable, Hashable {
    public var token: Token
    /// Natural logarithm of the probability.
    public var logprob: Float

    public init(token: Token, logprob: Float) {
        self.token = token
        self.logprob = logprob
    }
}

/// What came out for one prompt of a run.
public struct PromptResult: Sendable, Hashable {
    public var tokens: [Token]
    /// Mean over the `pos − 1` predictions, in nats; NaN with a single token or where the loss was not asked for.
    public var loss: Double
    /// `[pos − 1]`, empty unless asked for.
    public var perTokenLoss: [Float]
    public var top: [Prediction]

    public init(tokens: [Token], loss: Double, perTokenLoss: [Float], top: [Prediction]) {
        self.tokens = tokens
        self.loss = loss
        self.perTokenLoss = perTokenLoss
        self.top = top
    }
}

public struct RunReply: Sendable {
    /// 32 hexadecimal digits; empty for a run that was not recorded.
    public var runID: String
    public var model: String
    public var form: ModelReference.Form
    public var fingerprint: String
    /// Mean over all predictions of all prompts.
    public var loss: Double
    public var prompts: [PromptResult]

    public init(
        runID: String, model: String, form: ModelReference.Form, fingerprint: String, loss: Double,
        prompts: [PromptResult]
    ) {
        self.runID = runID
        self.model = model
        self.form = form
        self.fingerprint = fingerprint
        self.loss = loss
        self.prompts = prompts
    }
}
