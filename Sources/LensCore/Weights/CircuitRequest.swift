/// One of a head's two circuits: a matrix over the vocabulary, `[dVocab, dVocab]`, whose rank is at most `dHead`.
public enum CircuitKind: Int, Sendable, CaseIterable {
    /// `W_E W_V W_O W_U`: what a token that is attended to (row) does to the logits (column).
    case ov = 1
    /// `(W_E W_Q) (W_E W_K)ᵀ` times the scale of the scores: how strongly a token (row) attends to another (column).
    case qk
}

/// A head by its place.
public struct HeadPlace: Sendable, Hashable {
    public var layer: Int
    public var head: Int

    public init(layer: Int, head: Int) {
        self.layer = layer
        self.head = head
    }
}

/// Asks for heads' circuits: their eigenvalues, and their largest entries.
public struct CircuitRequest: Sendable {
    public var model: ModelReference
    public var kind: CircuitKind
    /// None means every head.
    public var heads: [HeadPlace]
    /// Rows whose largest entries are wanted, each row's own; none means those of the whole matrix.
    public var tokens: [Int32]
    /// How many entries, of each row or of the matrix.
    public var topCount: Int
    /// The smallest entries rather than the largest.
    public var wantsSmallest: Bool

    /// The most entries of a row, or of a matrix.
    public static let maximumTop = 100

    public init(
        model: ModelReference, kind: CircuitKind, heads: [HeadPlace] = [], tokens: [Int32] = [], topCount: Int = 10,
        wantsSmallest: Bool = false
    ) {
        self.model = model
        self.kind = kind
        self.heads = heads
        self.tokens = tokens
        self.topCount = topCount
        self.wantsSmallest = wantsSmallest
    }
}

/// What comes back: progress, the circuits without their heads, each head and then its entries some at a time.
public enum CircuitEvent: Sendable {
    case progress(done: Int, total: Int)
    case header(HeadCircuits)
    case head(HeadCircuit)
    case entries([CircuitEntry])
}
