import LensCore
import LensTensor

extension ForwardState {
    /// A pass over the wanted rows alone, where that saves work: behind the last attention no row looks at another, so
    /// the last block's output, its MLP and all that follows are computed for those rows only.
    ///
    /// Advances this pass to the last layer's `hook_z`, unless it stands behind it. The rows of the result are no
    /// positions of sequences any more: it can be advanced and finished, not read or edited.
    ///
    /// - Returns: `nil` where most rows are wanted, or the last block is done.
    mutating func trimmed(to wanted: [Int], on compute: Compute) throws(LensError) -> ForwardState? {
        let last = configuration.nLayers - 1
        guard !wanted.isEmpty, 2 * wanted.count <= rowCount, point < HookPoint(.residPost, layer: last) else {
            return nil
        }
        try advance(to: max(point, HookPoint(.z, layer: last)), on: compute)
        var few = ForwardState(
            like: self, tokens: wanted.map { _ in [0] }, residual: residual.gathering(wanted))
        few.live = live.mapValues { $0.gathering(wanted) }
        return few
    }
}
