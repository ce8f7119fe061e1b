/// Asks for the gradient of a scalar with respect to activations: a pass, and the way back through it.
///
/// The scalar is the sum of the ``terms`` and, for each of the ``cotangents``, of the products of its values with those
/// of the activation there. All prompts go in one pass.
public struct GradientRequest: Sendable {
    public var model: ModelReference
    public var prompts: [Prompt]
    public var interventions: [InterventionSpec]
    public var terms: [GradientTerm]
    /// Names or short forms of points whose cotangents the client sends, all sequences of one point after the other.
    public var cotangents: [String]
    /// Points whose activations the client sends: what its own functions made of them, behind the typed edits there. No
    /// gradient goes through them, unless the client is asked (``stops``) and says which.
    public var replacements: [String]
    /// Points whose gradients are sent back.
    public var wanted: [String]
    /// Points at which the way back parks, so that the client may put another gradient in the place of what is there.
    public var stops: [String]

    public init(
        model: ModelReference, prompts: [Prompt], interventions: [InterventionSpec] = [], terms: [GradientTerm] = [],
        cotangents: [String] = [], replacements: [String] = [], wanted: [String] = [], stops: [String] = []
    ) {
        self.model = model
        self.prompts = prompts
        self.interventions = interventions
        self.terms = terms
        self.cotangents = cotangents
        self.replacements = replacements
        self.wanted = wanted
        self.stops = stops
    }
}

/// A named part of the scalar, times its weight.
public struct GradientTerm: Sendable, Hashable {
    public enum Quantity: Sendable, Hashable {
        /// The losses of all predictions of all prompts, in nats: their mean, or their sum.
        case loss(isSum: Bool)
        /// A token's logit after a position of a prompt; a negative position counts from the end.
        case logit(prompt: Int, position: Int, token: Int)
        /// Likewise the natural logarithm of its probability.
        case logProbability(prompt: Int, position: Int, token: Int)
    }

    public var quantity: Quantity
    public var weight: Float

    public init(_ quantity: Quantity, weight: Float = 1) {
        self.quantity = quantity
        self.weight = weight
    }
}

/// What the client of a gradient says: a start, the tensors that the start announced (each as a replacement: shapes, then
/// values), then one answer to each stop.
public enum GradientMessage: Sendable {
    case start(GradientRequest)
    case answer(HookAnswer)
}

/// What the daemon says: a start when the pass is done, then the gradients, the last point of the pass first.
public enum GradientEvent: Sendable {
    /// The weights that ran and the sum of the terms.
    case start(model: String, form: ModelReference.Form, fingerprint: String, value: Double)
    /// A gradient that was wanted, or one that the way back is parked at.
    case hook(HookEvent)
}
