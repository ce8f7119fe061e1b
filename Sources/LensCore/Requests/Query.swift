/// Asks for one activation of a run, whole or sliced.
public struct QueryRequest: Sendable {
    public var source: PassSource
    /// A hook point's name or short form.
    public var hook: String
    /// NumPy basic indexing on the shape without batch; `nil` takes all of it.
    public var slice: TensorSlice?
    /// Which prompts of the run; `nil` means every one, in order.
    public var prompts: [Int]?

    public init(source: PassSource, hook: String, slice: TensorSlice? = nil, prompts: [Int]? = nil) {
        self.source = source
        self.hook = hook
        self.slice = slice
        self.prompts = prompts
    }
}

/// One piece of a query's answer: for each prompt a header and then its values in order.
public enum QueryEvent: Sendable {
    case header(TensorHeader)
    /// Raw little-endian values, row-major, following what came before of the same tensor.
    case values(ValueBytes)
}

/// What the values that follow are.
public struct TensorHeader: Sendable, Hashable {
    /// The hook point's full name.
    public var hook: String
    /// Which prompt of the run.
    public var prompt: Int
    public var elementType: ElementType
    public var shape: [Int]
    /// The run's recipe in short: registered model with form, and fingerprint.
    public var model: String
    public var fingerprint: String
    public var tokens: [Token]
    /// The run's whole id; empty for a pass that is not recorded.
    public var runID: String

    public init(
        hook: String, prompt: Int, elementType: ElementType, shape: [Int], model: String, fingerprint: String,
        tokens: [Token], runID: String = ""
    ) {
        self.hook = hook
        self.prompt = prompt
        self.elementType = elementType
        self.shape = shape
        self.model = model
        self.fingerprint = fingerprint
        self.tokens = tokens
        self.runID = runID
    }
}
