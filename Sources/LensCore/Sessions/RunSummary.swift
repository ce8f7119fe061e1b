/// One run, sweep or generation of a session.
public struct RunSummary: Sendable, Hashable {
    public enum Kind: String, Sendable {
        case run
        case sweep
        case generation
    }

    public var id: String
    public var kind: Kind
    /// The session's address, see ``SessionSummary/address``.
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
    /// In lists its beginning.
    public var note: String
    /// Of a sweep, the strongest of its first metric, strongest first; one of an earlier lensd has none.
    public var effects: [SweepEffect]
    /// It came from a file: nobody here computed it.
    public var isImported: Bool
    /// The uid that it belongs to.
    public var owner: UInt32

    public init(
        id: String, kind: Kind, session: String, createdAt: Double, model: String, fingerprint: String,
        promptCount: Int, tokenCount: Int, excerpt: String, loss: Double, isHooked: Bool = false,
        edits: [String] = [], detail: String = "", note: String = "", effects: [SweepEffect] = [],
        isImported: Bool = false, owner: UInt32 = 0
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
        self.note = note
        self.effects = effects
        self.isImported = isImported
        self.owner = owner
    }
}
