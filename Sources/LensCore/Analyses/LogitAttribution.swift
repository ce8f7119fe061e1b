/// Asks what a logit, or the difference of two, is the sum of.
public struct AttributionRequest: Sendable {
    public var source: PassSource
    /// One for all prompts or one per prompt; none means the likeliest at each position.
    public var tokens: [Int32]
    /// As many as ``tokens``, or none: then the logit itself is split.
    public var wrongTokens: [Int32]
    /// From the end where negative; none means the last.
    public var positions: [Int]
    public var detail: AttributionDetail
    /// How many neurons to name for each position.
    public var topCount: Int
    /// Whether accumulated streams are looked at in the middle of the layers too.
    public var withMid: Bool

    public init(
        source: PassSource, tokens: [Int32] = [], wrongTokens: [Int32] = [], positions: [Int] = [],
        detail: AttributionDetail = .layers, topCount: Int = 0, withMid: Bool = false
    ) {
        self.source = source
        self.tokens = tokens
        self.wrongTokens = wrongTokens
        self.positions = positions
        self.detail = detail
        self.topCount = topCount
        self.withMid = withMid
    }
}

/// What a logit is taken apart into.
public enum AttributionDetail: Int, Sendable, CaseIterable {
    /// Embedding, each layer's attention and MLP (`decompose_resid`).
    case layers = 1
    /// Each head on its own (`stack_head_results`).
    case heads
    /// As layers, and the neurons that count most (`stack_neuron_results`).
    case neurons
    /// The residual stream before each layer and at the end, each by itself (`accumulated_resid`).
    case accumulated
}

public struct AttributionReply: Sendable, Hashable {
    public var model: String
    public var form: ModelReference.Form
    public var fingerprint: String
    public var components: [ResidualComponent]
    public var prompts: [PromptAttribution]

    public init(
        model: String, form: ModelReference.Form, fingerprint: String, components: [ResidualComponent],
        prompts: [PromptAttribution]
    ) {
        self.model = model
        self.form = form
        self.fingerprint = fingerprint
        self.components = components
        self.prompts = prompts
    }
}

/// What one prompt's logits are the sum of.
public struct PromptAttribution: Sendable, Hashable {
    public var tokens: [Token]
    /// Counted from the front.
    public var positions: [Int]
    /// One per position.
    public var answers: [Token]
    /// One per position, or none.
    public var wrong: [Token]
    /// `[position]`: the logit, or the difference, before a cap.
    public var totals: [Float]
    /// `[position, component]`: but for accumulated streams their sum is the total.
    public var terms: [Float]
    /// `[position, rank]`, largest absolute value first.
    public var neurons: [NeuronTerm]

    public init(
        tokens: [Token], positions: [Int], answers: [Token], wrong: [Token] = [], totals: [Float], terms: [Float],
        neurons: [NeuronTerm] = []
    ) {
        self.tokens = tokens
        self.positions = positions
        self.answers = answers
        self.wrong = wrong
        self.totals = totals
        self.terms = terms
        self.neurons = neurons
    }
}

/// What one neuron adds to a logit.
public struct NeuronTerm: Sendable, Hashable {
    public var layer: Int
    public var neuron: Int
    public var value: Float

    public init(layer: Int, neuron: Int, value: Float) {
        self.layer = layer
        self.neuron = neuron
        self.value = value
    }
}
