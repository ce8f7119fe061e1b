/// Asks for one parameter of a model, whole or sliced.
public struct ParameterRequest: Sendable {
    /// Whose form is meant too: `NAME`'s parameters are those of `HookedTransformer` after its default processing.
    public var model: ModelReference
    /// As in the model's listing, such as `blocks.0.attn.W_Q`.
    public var name: String
    /// NumPy basic indexing; `nil` takes all of it.
    public var slice: TensorSlice?

    public init(model: ModelReference, name: String, slice: TensorSlice? = nil) {
        self.model = model
        self.name = name
        self.slice = slice
    }
}

/// Every parameter of a model in one of its forms, under the names of `HookedTransformer.state_dict()`.
public struct ParameterList: Sendable, Hashable {
    /// `NAME` or `NAME@raw`.
    public var model: String
    public var fingerprint: String
    public var parameters: [ParameterShape]

    public init(model: String, fingerprint: String, parameters: [ParameterShape]) {
        self.model = model
        self.fingerprint = fingerprint
        self.parameters = parameters
    }
}

/// A parameter's name and shape, as TransformerLens has them.
public struct ParameterShape: Sendable, Hashable {
    public var name: String
    public var shape: [Int]

    public init(name: String, shape: [Int]) {
        self.name = name
        self.shape = shape
    }
}

/// One piece of an answer that is one array of float32: progress while it is made, a header, then its values in order.
public enum WeightEvent: Sendable {
    case progress(done: Int, total: Int)
    case header(WeightHeader)
    /// Raw little-endian values, row-major, following what came before.
    case values(ValueBytes)
}

/// What the values that follow are.
public struct WeightHeader: Sendable, Hashable {
    /// A parameter's name, or what else the values are.
    public var name: String
    /// Behind the slice.
    public var shape: [Int]
    /// `NAME` or `NAME@raw`.
    public var model: String
    public var fingerprint: String

    public init(name: String, shape: [Int], model: String, fingerprint: String) {
        self.name = name
        self.shape = shape
        self.model = model
        self.fingerprint = fingerprint
    }
}
