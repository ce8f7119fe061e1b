/// Asks how much of each head's pattern lies on a target, as TransformerLens's `detect_head`.
public struct HeadDetectionRequest: Sendable {
    public var source: PassSource
    public var kinds: [DetectedHead]
    public var measure: DetectionMeasure
    /// Whether attention to the first position is left out.
    public var excludesBOS: Bool
    /// Whether attention to the query's own position is left out.
    public var excludesCurrentToken: Bool
    /// `[pos, pos]`, lower-triangular, for ``DetectedHead/target`` and prompts of that length.
    public var target: [Float]

    public init(
        source: PassSource, kinds: [DetectedHead] = DetectedHead.named, measure: DetectionMeasure = .mul,
        excludesBOS: Bool = false, excludesCurrentToken: Bool = false, target: [Float] = []
    ) {
        self.source = source
        self.kinds = kinds
        self.measure = measure
        self.excludesBOS = excludesBOS
        self.excludesCurrentToken = excludesCurrentToken
        self.target = target
    }
}

/// What a head's pattern is held against.
public enum DetectedHead: Int, Sendable, CaseIterable {
    case previousToken = 1
    case duplicateToken
    case induction
    /// A target of the caller's.
    case target

    /// Those that TransformerLens has names for.
    public static let named: [DetectedHead] = [.previousToken, .duplicateToken, .induction]

    /// TransformerLens's name.
    public var name: String {
        switch self {
        case .previousToken: "previous_token_head"
        case .duplicateToken: "duplicate_token_head"
        case .induction: "induction_head"
        case .target: "target"
        }
    }
}

public enum DetectionMeasure: Int, Sendable, CaseIterable {
    /// The share of the attention that lies on the target, weighted by it.
    case mul = 1
    /// 1 minus the mean over destinations of the distance from the target.
    case abs
}

public struct HeadDetectionReply: Sendable, Hashable {
    public var model: String
    public var form: ModelReference.Form
    public var fingerprint: String
    /// Per prompt.
    public var tokens: [[Token]]
    public var detections: [HeadDetection]

    public init(
        model: String, form: ModelReference.Form, fingerprint: String, tokens: [[Token]], detections: [HeadDetection]
    ) {
        self.model = model
        self.form = form
        self.fingerprint = fingerprint
        self.tokens = tokens
        self.detections = detections
    }
}

/// How much each head is of one kind.
public struct HeadDetection: Sendable, Hashable {
    public var kind: DetectedHead
    /// `[prompt, layer, head]`
    public var scores: [Float]

    public init(kind: DetectedHead, scores: [Float]) {
        self.kind = kind
        self.scores = scores
    }
}

/// Asks for attention to the token behind the earlier occurrence, on random tokens that are repeated once.
public struct InductionRequest: Sendable {
    public var model: ModelReference
    public var interventions: [InterventionSpec]
    /// Random tokens before they are repeated.
    public var length: Int
    /// How many such sequences.
    public var batch: Int
    public var seed: UInt64
    public var prependBOS: Bool

    public init(
        model: ModelReference, interventions: [InterventionSpec] = [], length: Int = 50, batch: Int = 8,
        seed: UInt64 = 0, prependBOS: Bool = false
    ) {
        self.model = model
        self.interventions = interventions
        self.length = length
        self.batch = batch
        self.seed = seed
        self.prependBOS = prependBOS
    }
}

public struct InductionReply: Sendable, Hashable {
    public var model: String
    public var form: ModelReference.Form
    public var fingerprint: String
    /// What was run.
    public var sequences: [[Int32]]
    /// `[layer, head]`: the mean over the sequences of the mean of `pattern.diagonal(1 − length)`.
    public var scores: [Float]

    public init(
        model: String, form: ModelReference.Form, fingerprint: String, sequences: [[Int32]], scores: [Float]
    ) {
        self.model = model
        self.form = form
        self.fingerprint = fingerprint
        self.sequences = sequences
        self.scores = scores
    }
}
