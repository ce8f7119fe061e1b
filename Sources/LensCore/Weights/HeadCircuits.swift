/// Circuits of one kind.
public struct HeadCircuits: Sendable, Hashable {
    public var model: String
    public var form: ModelReference.Form
    public var fingerprint: String
    public var kind: CircuitKind
    public var heads: [HeadCircuit]

    public init(
        model: String, form: ModelReference.Form, fingerprint: String, kind: CircuitKind, heads: [HeadCircuit] = []
    ) {
        self.model = model
        self.form = form
        self.fingerprint = fingerprint
        self.kind = kind
        self.heads = heads
    }
}

/// One head's circuit.
public struct HeadCircuit: Sendable, Hashable {
    public var place: HeadPlace
    /// `Σ λ / Σ |λ|` of the eigenvalues, −1...1; of an OV circuit the copying score. NaN where all are zero,
    /// or none were found.
    public var score: Double
    /// The same without embedding and unembedding: of `W_V W_O`, or `W_Q W_Kᵀ`.
    public var bareScore: Double
    /// Those that may differ from zero, the largest first; none where weights are not finite.
    public var eigenvalues: [Eigenvalue]
    /// Row by row where rows were asked for; the largest first, or the smallest.
    public var entries: [CircuitEntry]

    public init(
        place: HeadPlace, score: Double, bareScore: Double, eigenvalues: [Eigenvalue], entries: [CircuitEntry] = []
    ) {
        self.place = place
        self.score = score
        self.bareScore = bareScore
        self.eigenvalues = eigenvalues
        self.entries = entries
    }
}

/// An entry of a circuit.
public struct CircuitEntry: Sendable, Hashable {
    public var row: Token
    public var column: Token
    public var value: Float

    public init(row: Token, column: Token, value: Float) {
        self.row = row
        self.column = column
        self.value = value
    }
}

/// A complex number.
public struct Eigenvalue: Sendable, Hashable {
    public var real: Double
    public var imaginary: Double

    public init(real: Double, imaginary: Double) {
        self.real = real
        self.imaginary = imaginary
    }

    public var magnitude: Double { (real * real + imaginary * imaginary).squareRoot() }
}

extension [Eigenvalue] {
    /// `Σ λ / Σ |λ|`, −1...1: of a real matrix the sum is real. NaN where all are zero.
    public var positivity: Double {
        reduce(0) { $0 + $1.real } / reduce(0) { $0 + $1.magnitude }
    }
}
