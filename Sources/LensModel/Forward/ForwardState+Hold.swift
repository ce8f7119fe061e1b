import LensCore
import LensTensor

extension ForwardState {
    /// Takes what a block's attention or MLP gives as known, and stands behind it: nothing of it is computed.
    ///
    /// - Parameters:
    ///   - values: `[row, …]` for all rows, in the shape of the hook table.
    ///   - target: a block's `z` or `mlp_out`, ahead of the pass.
    /// - Throws: `INVALID_ARGUMENT` for another point or another number of values.
    public mutating func hold(_ values: Tensor, at target: HookPoint, on compute: Compute) throws(LensError) {
        let expected = configuration.shape(of: target.kind, pos: rowCount)
        guard [.z, .mlpOut].contains(target.kind), values.shape == expected, kept == nil else {
            throw .invalidArgument(
                "what is held at \(target) has shape \(expected) and is a block's attention or MLP; "
                    + "received \(values.shape)")
        }
        let start = HookPoint(target.kind == .z ? .residPre : configuration.kindBeforeMLP, layer: target.layer)
        if point < start { try advance(to: start, on: compute) }
        guard point < target else {
            throw .invalidArgument("the pass stands at \(point) and cannot go back to \(target)")
        }
        // What other parts of the pass still need: shortformer's positions, a parallel block's attention.
        live = live.filter { $0.key == .posEmbed || ($0.key == .attnOut && target.kind == .mlpOut) }
        live[target.kind] = values
        squares = []
        point = target
    }

    /// Where a sequence's rows lie among those of all sequences.
    public func rowRange(of sequence: Int) -> Range<Int> { rows[sequence] }

    /// Whole logits of some rows, `[row, vocab]`, of a pass that stands at the logits; `nil` for any other.
    public func logitRows(_ wanted: [Int]) -> Tensor? {
        guard point.kind == .logits else { return nil }
        return live[.logits]?.gathering(wanted)
    }
}
