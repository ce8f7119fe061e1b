/// What an MLP does between its two matrices, by TransformerLens's names.
public enum ActivationFunction: String, Sendable, CaseIterable {
    /// GELU with the tanh approximation.
    case geluNew = "gelu_new"
    /// The same function, computed in another order.
    case geluFast = "gelu_fast"
    case geluPytorchTanh = "gelu_pytorch_tanh"
    /// GELU with the error function.
    case gelu
    case relu
    /// The square of `relu`.
    case relu2
    case silu
    /// `x · softmax(x)` over the neurons of a position.
    case solu
    /// `solu` and a layer norm behind it.
    case soluLn = "solu_ln"

    /// Whether a layer norm of its own follows, `mlp.ln`.
    public var hasNorm: Bool { self == .soluLn }
}
