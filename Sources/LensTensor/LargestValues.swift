import LensCore

extension UnsafeBufferPointer<Float> {
    /// Indices of the largest values above a threshold, the largest first; of equal ones the first in front.
    ///
    /// - Parameter count: how many at most; a few dozen, for where a value belongs is found from the end.
    func indicesOfLargest(_ count: Int, above threshold: Float = -.infinity) -> [Int] {
        guard count > 0 else { return [] }
        var best: [Int] = []
        best.reserveCapacity(count + 1)
        var threshold = threshold
        var isOpen = threshold == -.infinity
        for (index, value) in enumerated() where value > threshold || isOpen {
            var place = best.count
            while place > 0, self[best[place - 1]] < value { place -= 1 }
            best.insert(index, at: place)
            if best.count > count { best.removeLast() }
            if best.count == count, let last = best.last {
                threshold = self[last]
                isOpen = false
            }
        }
        return best
    }
}

extension ComputePool {
    /// The largest values of each row that are above a threshold, the largest first, with their columns.
    ///
    /// - Parameter x: `[row, column]`
    public func largest(
        _ count: Int, of x: Tensor, above threshold: Float = -.infinity, control: CallControl
    ) throws(LensError) -> [[(column: Int, value: Float)]] {
        let (rows, width) = (x.shape[0], x.rowWidth)
        var result = [[(column: Int, value: Float)]](repeating: [], count: rows)
        try result.withUnsafeMutableBufferPointer { (result) throws(LensError) in
            guard let base = result.baseAddress else { return }
            let result = Shared(base)
            try forRows(rows, width: width, control: control) { range in
                x.withPointer { x in
                    for row in range {
                        let values = UnsafeBufferPointer(start: x + row * width, count: width)
                        result.pointer[row] = values.indicesOfLargest(count, above: threshold).map { ($0, values[$0]) }
                    }
                }
            }
        }
        return result
    }
}
