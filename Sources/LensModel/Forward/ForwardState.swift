import LensCore
import LensTensor

/// A forward pass as a value: it stands at a hook point and can be advanced, read, edited, copied, joined with others,
/// parked (kept) and finished with a metric.
///
/// The pass runs over a ragged batch: several sequences laid end to end, without padding. Every row belongs to one
/// sequence, and no sequence sees another, so what rides along never changes a result beyond float rounding.
///
/// Copying costs nothing: tensors are shared until one of the copies writes.
public struct ForwardState: Sendable {
    public let model: LanguageModel
    public let form: WeightForm
    /// The tokens of each sequence.
    public internal(set) var tokens: [[Int32]]
    /// The hook point whose activation was computed last and can be read and edited now.
    public internal(set) var point: HookPoint

    /// The rows of each sequence.
    let rows: [Range<Int>]
    /// The residual stream, `[row, dModel]`, as it stands after everything up to ``point``.
    var residual: Tensor
    /// What is alive beside it: row tensors by the point they belong to.
    var live: [HookKind: Tensor] = [:]
    /// Attention scores or patterns, one `[head, pos, sourcePos]` per sequence.
    var squares: [Tensor] = []
    /// By how much a rotary model turns each row, `[row, dim]`, once it is known.
    var turns: Tensor?
    /// Keys and values of earlier positions, in a pass that goes on from them; `nil` in one from the beginning.
    var kept: Kept?

    /// Begins a pass; nothing is computed yet.
    ///
    /// - Parameter tokens: one array per sequence, each id in `0..<dVocab` and each length in `1...nCtx`.
    public init(
        _ model: LanguageModel, form: ModelReference.Form, tokens: [[Int32]]
    ) throws(LensError) {
        for sequence in tokens { try Self.check(sequence, configuration: model.configuration) }
        self.model = model
        self.form = model.form(form)
        self.tokens = tokens
        rows = Self.layOut(tokens)
        residual = Tensor(uninitialized: [0, model.configuration.dModel])
        point = HookPoint(.tokens)
    }

    /// A state whose parts come from others; see ``joining(_:)``.
    init(like other: ForwardState, tokens: [[Int32]], residual: Tensor) {
        model = other.model
        form = other.form
        self.tokens = tokens
        rows = Self.layOut(tokens)
        self.residual = residual
        point = other.point
    }

    public var configuration: ModelConfiguration { model.configuration }

    /// All rows of all sequences.
    public var rowCount: Int { rows.last?.upperBound ?? 0 }

    private static func layOut(_ tokens: [[Int32]]) -> [Range<Int>] {
        var next = 0
        return tokens.map { sequence in
            defer { next += sequence.count }
            return next..<next + sequence.count
        }
    }

    static func check(_ tokens: [Int32], configuration: ModelConfiguration) throws(LensError) {
        guard !tokens.isEmpty else { throw .invalidArgument("a sequence needs at least one token; received none") }
        guard tokens.count <= configuration.nCtx else {
            throw .invalidArgument(
                "the context length is \(configuration.nCtx) tokens; received \(tokens.count)")
        }
        for (position, id) in tokens.enumerated() where id < 0 || Int(id) >= configuration.dVocab {
            throw .outOfRange("token id at position \(position)", id, 0..<configuration.dVocab)
        }
    }
}
