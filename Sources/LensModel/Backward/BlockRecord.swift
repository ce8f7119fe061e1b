import LensCore
import LensTensor

/// What the way back through a block needs of the way there; everything else follows from it.
struct BlockRecord: Sendable {
    /// After the edits: the residual stream at `resid_pre` and `resid_mid`, `q`, `k` and `v`, the MLP's `pre`, and of the
    /// heads' and the MLP's own inputs and of the norms' scales those that were edited.
    private var values: [HookKind: Tensor] = [:]
    /// Patterns as the softmax gave them and as they were used; empty where nobody looks at scores or patterns.
    private(set) var softmax: [Tensor] = []
    private(set) var patterns: [Tensor] = []

    /// The points of a block at which a pass has to be seen.
    static func points(layer: Int, seesPatterns: Bool) -> [HookPoint] {
        let kinds: [HookKind] = [.residPre, .v, .residMid, .mlpPre] + (seesPatterns ? [.attnScores, .pattern] : [])
        return kinds.map { HookPoint($0, layer: layer) }
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
        case .attnIn, .qInput, .kInput, .vInput, .ln1Scale, .mlpIn, .ln2Scale, .mlpPre:
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

    /// Bytes in memory.
    var byteCount: Int {
        (softmax + patterns).reduce(values.values.reduce(0) { $0 + $1.byteCount }) { $0 + $1.byteCount }
    }
}
