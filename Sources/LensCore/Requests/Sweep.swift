/// Ablates every head in turn and says what each does to the loss.
public struct SweepRequest: Sendable {
    public var model: ModelReference
    public var session: String
    public var prompts: [Prompt]
    public var action: AblationKind
    /// The short name of the point that is ablated, per head; `z` is the usual one.
    public var hook: String
    public var isRecorded: Bool

    public init(
        model: ModelReference, session: String = "default", prompts: [Prompt], action: AblationKind = .zero,
        hook: String = "z", isRecorded: Bool = true
    ) {
        self.model = model
        self.session = session
        self.prompts = prompts
        self.action = action
        self.hook = hook
        self.isRecorded = isRecorded
    }
}

/// What ablating one head did.
public struct HeadEffect: Sendable, Hashable {
    public var layer: Int
    public var head: Int
    /// Mean loss over all predictions of all prompts with the head ablated, in nats.
    public var loss: Double
    /// `loss` minus the baseline's.
    public var delta: Double
    /// Standard error of `delta`, paired over the predictions; NaN with fewer than two predictions.
    public var standardError: Double
    /// `delta` for each prompt alone.
    public var promptDeltas: [Double]

    public init(
        layer: Int, head: Int, loss: Double, delta: Double, standardError: Double, promptDeltas: [Double]
    ) {
        self.layer = layer
        self.head = head
        self.loss = loss
        self.delta = delta
        self.standardError = standardError
        self.promptDeltas = promptDeltas
    }
}

public struct SweepReply: Sendable {
    /// Id under which the sweep stands in the session; empty where it was not recorded.
    public var runID: String
    public var model: String
    public var form: ModelReference.Form
    public var fingerprint: String
    public var action: AblationKind
    public var hook: String
    /// Per prompt, as run.
    public var tokens: [[Token]]
    public var baselineLoss: Double
    /// Per prompt.
    public var baselineLosses: [Double]
    /// Layer by layer, head by head.
    public var heads: [HeadEffect]

    public init(
        runID: String, model: String, form: ModelReference.Form, fingerprint: String, action: AblationKind,
        hook: String, tokens: [[Token]], baselineLoss: Double, baselineLosses: [Double], heads: [HeadEffect]
    ) {
        self.runID = runID
        self.model = model
        self.form = form
        self.fingerprint = fingerprint
        self.action = action
        self.hook = hook
        self.tokens = tokens
        self.baselineLoss = baselineLoss
        self.baselineLosses = baselineLosses
        self.heads = heads
    }
}

public enum SweepEvent: Sendable {
    /// Variants done of all.
    case progress(done: Int, total: Int)
    case result(SweepReply)
}
