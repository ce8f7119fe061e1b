/// What is made of an activation before it travels.
public struct Reduction: Sendable, Hashable {
    /// A hook point's name or short form; a short name without a layer means every layer.
    public var hook: String
    public var kind: Kind
    /// Of diagonals: source minus destination, at most 0.
    public var offset: Int
    /// Of the largest entries.
    public var count: Int

    public enum Kind: Int, Sendable, CaseIterable {
        /// Of the last axis as a distribution, in nats: drops the axis.
        case entropy = 1
        /// L2 norm of the last axis: drops it.
        case norm
        /// Over the positions (of scores and patterns the destinations): drop the axis.
        case mean
        case max
        /// Of scores and patterns, the entries `[destination, destination + offset]`: `[head, entry]`.
        case diagonal
        /// The mean of these: `[head]`.
        case diagonalMean
        /// The entries with the largest absolute value: `[count]`.
        case top
    }

    public init(_ kind: Kind, of hook: String, offset: Int = 0, count: Int = 0) {
        self.hook = hook
        self.kind = kind
        self.offset = offset
        self.count = count
    }
}

/// Asks for activations of a pass, reduced where they are computed.
public struct ReductionRequest: Sendable {
    public var source: PassSource
    public var reductions: [Reduction]

    public init(source: PassSource, reductions: [Reduction]) {
        self.source = source
        self.reductions = reductions
    }
}

public struct ReductionReply: Sendable, Hashable {
    public var model: String
    public var form: ModelReference.Form
    public var fingerprint: String
    public var prompts: [ReducedPrompt]

    public init(model: String, form: ModelReference.Form, fingerprint: String, prompts: [ReducedPrompt]) {
        self.model = model
        self.form = form
        self.fingerprint = fingerprint
        self.prompts = prompts
    }
}

/// One prompt's reduced activations.
public struct ReducedPrompt: Sendable, Hashable {
    public var tokens: [Token]
    /// In the order of the reductions, of one the layers in order.
    public var activations: [ReducedActivation]

    public init(tokens: [Token], activations: [ReducedActivation]) {
        self.tokens = tokens
        self.activations = activations
    }
}

/// What was made of one activation.
public struct ReducedActivation: Sendable, Hashable {
    /// The hook point's full name.
    public var hook: String
    /// Which reduction of the request.
    public var reduction: Int
    public var shape: [Int]
    /// Row-major.
    public var values: [Float]
    /// Of the largest entries: where each lies in the activation, row-major.
    public var indices: [Int]

    public init(hook: String, reduction: Int, shape: [Int], values: [Float], indices: [Int] = []) {
        self.hook = hook
        self.reduction = reduction
        self.shape = shape
        self.values = values
        self.indices = indices
    }
}
