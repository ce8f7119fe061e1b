import CLensKernels
import LensCore

/// Adjoints of the attention over a ragged batch whose sequences begin in it; shapes as in the forward functions.
extension ComputePool {
    /// Of ``attentionMix(patterns:queries:values:shape:control:)``.
    ///
    /// - Parameter gradient: with respect to z, `[row, head, dHead]`.
    public func attentionMixBackward(
        _ gradient: Tensor, patterns: [Tensor], v: Tensor, sequences: [Range<Int>], shape: AttentionShape,
        control: CallControl
    ) throws(LensError) -> (patterns: [Tensor], v: Tensor) {
        let squares = try forHeads(
            sequences, sources: sequences.map(\.count), shape: shape, control: control
        ) { index, head, square in
            shape.patternGradient(z: gradient, v: v, rows: sequences[index], head: head, into: square)
        }
        var values = Tensor(uninitialized: v.shape)
        try values.withMutablePointer { (values) throws(LensError) in
            let values = Shared(values)
            try forKeyHeads(sequences, shape: shape, control: control) { index, rows, head, isFirst in
                patterns[index].withPointer {
                    shape.valueGradient(
                        z: gradient, pattern: $0 + head * rows.count * rows.count, rows: rows, head: head,
                        into: values.pointer, adding: !isFirst)
                }
            }
        }
        return (squares, values)
    }

    /// Of ``attentionPattern(scores:queries:shape:control:)``.
    ///
    /// - Parameter patterns: what the forward function gave.
    public func attentionPatternBackward(
        _ gradients: [Tensor], patterns: [Tensor], sequences: [Range<Int>], shape: AttentionShape,
        control: CallControl
    ) throws(LensError) -> [Tensor] {
        try forHeads(
            sequences, sources: sequences.map(\.count), shape: shape, control: control
        ) { index, head, square in
            let length = sequences[index].count
            withPointers(gradients[index], patterns[index]) { gradient, pattern in
                let first = head * length * length
                square.update(from: gradient + first, count: length * length)
                for pos in 0..<length {
                    lens_softmax_backward(pattern + first + pos * length, square + pos * length, length)
                }
            }
        }
    }

    /// Of ``attentionScores(q:queries:keys:shape:control:)``: nothing comes through the mask.
    public func attentionScoresBackward(
        _ gradients: [Tensor], q: Tensor, k: Tensor, sequences: [Range<Int>], shape: AttentionShape,
        control: CallControl
    ) throws(LensError) -> (q: Tensor, k: Tensor) {
        var (queries, keys) = (Tensor(uninitialized: q.shape), Tensor(uninitialized: k.shape))
        try queries.withMutablePointer { (queries) throws(LensError) in
            try keys.withMutablePointer { (keys) throws(LensError) in
                let (queries, keys) = (Shared(queries), Shared(keys))
                try forKeyHeads(sequences, shape: shape, control: control) { index, rows, head, isFirst in
                    let length = rows.count
                    let size = length * length
                    withUnsafeTemporaryAllocation(of: Float.self, capacity: 2 * size) { scratch in
                        guard let scores = scratch.baseAddress else { return }
                        gradients[index].withPointer { scores.update(from: $0 + head * size, count: size) }
                        shape.mask(scores, length: length)
                        shape.uncap(scores, q: q, k: k, rows: rows, head: head, scratch: scores + size)
                        shape.scoreGradient(
                            scores, q: q, k: k, rows: rows, head: head, queries: queries.pointer, keys: keys.pointer,
                            addingToKeys: !isFirst)
                    }
                }
            }
        }
        return (queries, keys)
    }

    /// Of ``attention(q:queries:keys:values:shape:control:)``: patterns are made again, head by head, and not kept.
    public func attentionBackward(
        _ gradient: Tensor, q: Tensor, k: Tensor, v: Tensor, sequences: [Range<Int>], shape: AttentionShape,
        control: CallControl
    ) throws(LensError) -> (q: Tensor, k: Tensor, v: Tensor) {
        var queries = Tensor(uninitialized: q.shape)
        var (keys, values) = (Tensor(uninitialized: k.shape), Tensor(uninitialized: v.shape))
        try queries.withMutablePointer { (queries) throws(LensError) in
            try keys.withMutablePointer { (keys) throws(LensError) in
                try values.withMutablePointer { (values) throws(LensError) in
                    let (queries, keys, values) = (Shared(queries), Shared(keys), Shared(values))
                    try forKeyHeads(sequences, shape: shape, control: control) { _, rows, head, isFirst in
                        let length = rows.count
                        withUnsafeTemporaryAllocation(of: Float.self, capacity: 2 * length * length) { scratch in
                            guard let pattern = scratch.baseAddress else { return }
                            let square = pattern + length * length
                            shape.attend(q: q, rows, SequenceRows(rows, of: k), from: 0, head: head, into: pattern)
                            shape.valueGradient(
                                z: gradient, pattern: pattern, rows: rows, head: head, into: values.pointer,
                                adding: !isFirst)
                            shape.patternGradient(z: gradient, v: v, rows: rows, head: head, into: square)
                            // Masked entries of the pattern are zero, and so is what comes through them.
                            for pos in 0..<length {
                                lens_softmax_backward(pattern + pos * length, square + pos * length, length)
                            }
                            // The pattern is not needed any more.
                            shape.uncap(square, q: q, k: k, rows: rows, head: head, scratch: pattern)
                            shape.scoreGradient(
                                square, q: q, k: k, rows: rows, head: head, queries: queries.pointer,
                                keys: keys.pointer, addingToKeys: !isFirst)
                        }
                    }
                }
            }
        }
        return (queries, keys, values)
    }

    /// One block is one key head of one sequence: the query heads that share it add up in their order.
    private func forKeyHeads(
        _ sequences: [Range<Int>], shape: AttentionShape, control: CallControl,
        _ body: @escaping @Sendable (_ index: Int, _ rows: Range<Int>, _ head: Int, _ isFirst: Bool) -> Void
    ) throws(LensError) {
        try run(blocks: sequences.count * shape.keyHeads, control: control) { block in
            let index = block / shape.keyHeads
            let group = shape.heads / shape.keyHeads
            let first = block % shape.keyHeads * group
            for head in first..<first + group { body(index, sequences[index], head, head == first) }
        }
    }
}

// MARK: - One head

extension AttentionShape {
    /// `gradient(z) · vᵀ`, `[pos, sourcePos]`.
    fileprivate func patternGradient(
        z: Tensor, v: Tensor, rows: Range<Int>, head: Int, into square: UnsafeMutablePointer<Float>
    ) {
        withPointers(z, v) { z, v in
            multiplyTransposed(
                z + rows.lowerBound * queryWidth + head * dHead, strideA: queryWidth, rows: rows.count,
                v + rows.lowerBound * keyWidth + keyHead(of: head) * dHead, strideB: keyWidth, columns: rows.count,
                inner: dHead, into: square, strideC: rows.count)
        }
    }

    /// `patternᵀ · gradient(z)`, to its place in `[row, keyHead, dHead]`.
    fileprivate func valueGradient(
        z: Tensor, pattern: UnsafePointer<Float>, rows: Range<Int>, head: Int,
        into values: UnsafeMutablePointer<Float>, adding: Bool
    ) {
        z.withPointer { z in
            multiplyFirstTransposed(
                pattern, strideA: rows.count, rows: rows.count,
                z + rows.lowerBound * queryWidth + head * dHead, strideB: queryWidth, columns: dHead,
                inner: rows.count, into: values + rows.lowerBound * keyWidth + keyHead(of: head) * dHead,
                strideC: keyWidth, adding: adding)
        }
    }

    /// From the scores' gradient, which is scaled in place: `· k` for the queries, transposed `· q` for the keys.
    fileprivate func scoreGradient(
        _ scores: UnsafeMutablePointer<Float>, q: Tensor, k: Tensor, rows: Range<Int>, head: Int,
        queries: UnsafeMutablePointer<Float>, keys: UnsafeMutablePointer<Float>, addingToKeys: Bool
    ) {
        let length = rows.count
        let query = rows.lowerBound * queryWidth + head * dHead
        let key = rows.lowerBound * keyWidth + keyHead(of: head) * dHead
        if scale != 1 { lens_scale(scores, length * length, scale) }
        withPointers(q, k) { q, k in
            multiplyPlain(
                scores, strideA: length, rows: length, k + key, strideB: keyWidth, columns: dHead, inner: length,
                into: queries + query, strideC: queryWidth)
            multiplyFirstTransposed(
                scores, strideA: length, rows: length, q + query, strideB: queryWidth, columns: dHead, inner: length,
                into: keys + key, strideC: keyWidth, adding: addingToKeys)
        }
    }

    /// Through the soft-cap, in place: from the capped scores' gradient to that of the scaled products.
    ///
    /// - Parameter scratch: room for the capped scores, which are made again.
    fileprivate func uncap(
        _ gradient: UnsafeMutablePointer<Float>, q: Tensor, k: Tensor, rows: Range<Int>, head: Int,
        scratch: UnsafeMutablePointer<Float>
    ) {
        guard let softCap else { return }
        cappedScore(q: q, rows, SequenceRows(rows, of: k), from: 0, head: head, into: scratch)
        lens_soft_cap_backward(scratch, gradient, rows.count * rows.count, softCap)
    }

    /// Sets what no query sees to zero.
    fileprivate func mask(_ scores: UnsafeMutablePointer<Float>, length: Int) {
        for pos in 0..<length {
            let visible = visible(from: pos)
            (scores + pos * length).update(repeating: 0, count: visible.lowerBound)
            (scores + pos * length + visible.upperBound).update(repeating: 0, count: length - visible.upperBound)
        }
    }
}
