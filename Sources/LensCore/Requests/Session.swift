/// A named workspace of one user.
public struct SessionSummary: Sendable, Hashable {
    /// 32 hexadecimal digits.
    public var id: String
    public var name: String
    /// Seconds since 1970, as the daemon's clock had it.
    public var createdAt: Double
    public var updatedAt: Double
    public var runCount: Int

    public init(id: String, name: String, createdAt: Double, updatedAt: Double, runCount: Int) {
        self.id = id
        self.name = name
        self.createdAt = createdAt
        self.updatedAt = updatedAt
        self.runCount = runCount
    }
}

/// One run, sweep or generation of a session.
public struct RunSummary: Sendable, Hashable {
    public enum Kind: String, Sendable {
        case run
        case sweep
        case generation
    }

    public var id: String
    public var kind: Kind
    public var session: String
    public var createdAt: Double
    public var model: String
    public var fingerprint: String
    public var promptCount: Int
    public var tokenCount: Int
    /// The first prompt's beginning.
    public var excerpt: String
    /// Of a sweep its baseline's; of a generation the mean of minus the new tokens' log-probabilities.
    public var loss: Double
    /// A hook function took part: the activations cannot be computed again.
    public var isHooked: Bool
    /// What was edited, an edit a line as `lensctl --edit` writes them, without values; the first ones of many.
    public var edits: [String]
    /// What was asked beside the recipe, in short: how a text was generated. May be empty.
    public var detail: String

    public init(
        id: String, kind: Kind, session: String, createdAt: Double, model: String, fingerprint: String,
        promptCount: Int, tokenCount: Int, excerpt: String, loss: Double, isHooked: Bool = false,
        edits: [String] = [], detail: String = ""
    ) {
        self.id = id
        self.kind = kind
        self.session = session
        self.createdAt = createdAt
        self.model = model
        self.fingerprint = fingerprint
        self.promptCount = promptCount
        self.tokenCount = tokenCount
        self.excerpt = excerpt
        self.loss = loss
        self.isHooked = isHooked
        self.edits = edits
        self.detail = detail
    }
}

public struct SessionDetail: Sendable {
    public var session: SessionSummary
    /// Newest first.
    public var runs: [RunSummary]

    public init(session: SessionSummary, runs: [RunSummary]) {
        self.session = session
        self.runs = runs
    }
}
