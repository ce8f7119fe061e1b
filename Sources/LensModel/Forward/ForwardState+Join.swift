import LensCore
import LensTensor

extension ForwardState {
    /// One pass from sequences of several that stand at the same point; a sequence may be taken any number of times.
    ///
    /// The sequences go on together as one batch, each with its own values.
    ///
    /// - Throws: `INVALID_ARGUMENT` where the passes are not of one model and form or stand at different points.
    public static func joining(_ parts: [(state: ForwardState, sequence: Int)]) throws(LensError) -> ForwardState {
        guard let first = parts.first?.state else { throw .invalidArgument("joining needs at least one sequence") }
        for (state, _) in parts where !state.matches(first) {
            throw .invalidArgument(
                "passes join only at the same point of the same model; found \(first.point) and \(state.point)")
        }
        var joined = ForwardState(
            like: first, tokens: parts.map { $0.state.tokens[$0.sequence] },
            residual: first.residual.shape[0] == 0 ? first.residual : gather(parts) { $0.residual })
        let kinds = parts.reduce(into: Set<HookKind>()) { $0.formUnion($1.state.live.keys) }
        for kind in kinds {
            // An input that another of the joined passes edited and this one did not is what it would have been.
            joined.live[kind] = gather(parts) { $0.live[kind] ?? $0.untouchedInput(kind, rows: 0..<$0.rowCount) }
        }
        joined.kept = joiningKept(parts)
        if !first.squares.isEmpty { joined.squares = parts.map { $0.state.squares[$0.sequence] } }
        return joined
    }

    /// One sequence, any number of times.
    public func repeating(_ sequence: Int, count: Int) throws(LensError) -> ForwardState {
        try Self.joining(Array(repeating: (self, sequence), count: count))
    }

    private func matches(_ other: ForwardState) -> Bool {
        model === other.model && form.form == other.form.form && point == other.point
            && (kept == nil) == (other.kept == nil)
    }

    private static func gather(
        _ parts: [(state: ForwardState, sequence: Int)], _ tensor: (ForwardState) -> Tensor
    ) -> Tensor {
        Tensor.stacking(parts.map { (tensor($0.state), $0.state.rows[$0.sequence]) })
    }
}
