import LensCore
import LensTensor

/// What the way back through a block needs of the way there; everything else follows from it.
struct BlockRecord: Sendable {
    /// After the edits: the residual stream at `resid_pre` and `resid_mid`, `q`, `k` and `v`, queries and keys as they
    /// were turned, the MLP's `pre`, `pre_linear` and `mid`, the scales of norms behind attention and MLP, and of the
    /// heads' and the MLP's own inputs and of the other norms' scales those that were edited.
    private var values: [HookKind: Tensor] = [:]
    /// What the norms behind attention and MLP took, by the points of their scales.
    private var inputs: [HookKind: Tensor] = [:]
    /// Patterns as the softmax gave them and as they were used; empty where nobody looks at scores or patterns.
    private(set) var softmax: [Tensor] = []
    private(set) var patterns: [Tensor] = []

    /// The points of a block at which a pass has to be seen.
    static func points(_ configuration: ModelConfiguration, layer: Int, seesPatterns: Bool) -> [HookPoint] {
        let kinds: [HookKind] = [
            .residPre, .v, .rotK, .residMid, .mlpPre, .mlpPreLinear, .mlpMid, .ln1PostScale, .ln1OutScale,
            .ln2PostScale, .ln2OutScale,
        ]
        return (kinds.filter(configuration.has) + (seesPatterns ? [.attnScores, .pattern] : []))
            .map { HookPoint($0, layer: layer) }
    }

    /// Looks at a pass that stands at a point of the block.
    mutating func see(_ state: ForwardState, isEdited: Bool) {
        let kind = state.point.kind
        guard isEdited else {
            if kind == .pattern { softmax = state.squares }
            return
        }
        switch kind {
        case .residPre, .residMid: values[kind] = state.residual
        case .pattern: patterns = state.squares
        case .v: for kind in [HookKind.q, .k, .v] { values[kind] = state.live[kind] }
        case .rotK: for kind in [HookKind.rotQ, .rotK] { values[kind] = state.live[kind] }
        case .ln1PostScale, .ln1OutScale:
            values[kind] = state.live[kind]
            inputs[kind] = state.live[.attnOut]
        case .ln2PostScale, .ln2OutScale:
            values[kind] = state.live[kind]
            inputs[kind] = state.live[.mlpOut]
        case .attnIn, .qInput, .kInput, .vInput, .ln1Scale, .qNormScale, .kNormScale, .mlpIn, .ln2Scale, .mlpPre,
            .mlpPreLinear, .mlpMid, .mlpNormScale:
            values[kind] = state.live[kind]
        default: break
        }
    }

    /// `nil` where the pass did not come so far, or where an input or a scale was left as it is.
    subscript(kind: HookKind) -> Tensor? { values[kind] }

    /// - Throws: `INTERNAL` where the pass was not seen at the point, which is our mistake.
    func value(_ kind: HookKind) throws(LensError) -> Tensor {
        guard let tensor = values[kind] else { throw LensError(.internal, "the tape lacks \(kind.suffix)") }
        return tensor
    }

    /// What a norm behind attention or MLP took.
    ///
    /// - Parameter scale: the point of its scale.
    func input(of scale: HookKind) throws(LensError) -> Tensor {
        guard let tensor = inputs[scale] else { throw LensError(.internal, "the tape lacks \(scale.suffix)'s input") }
        return tensor
    }

    /// Bytes in memory.
    var byteCount: Int {
        let rows = [values.values.map(\.byteCount), inputs.values.map(\.byteCount)].joined().reduce(0, +)
        return (softmax + patterns).reduce(rows) { $0 + $1.byteCount }
    }
}
