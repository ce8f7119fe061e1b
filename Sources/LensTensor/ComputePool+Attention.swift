import CLensKernels
import COpenBLAS
import LensCore

/// Attention over a ragged batch: `q` is `[row, head, dHead]`, each sequence's queries are a range of its rows, and its
/// keys and values are those of all its positions, of which the queries' are the last. Patterns and scores are one
/// `[head, pos, sourcePos]` tensor per sequence. Masks and windows are absolute.
extension ComputePool {
    /// `q · kᵀ × scale`, capped and sloped as the shape says; masked entries are −∞.
    public func attentionScores(
        q: Tensor, queries: [Range<Int>], keys: [SequenceRows], shape: AttentionShape, control: CallControl
    ) throws(LensError) -> [Tensor] {
        try forHeads(queries, sources: keys.map(\.count), shape: shape, control: control) { index, head, scores in
            let (rows, keys) = (queries[index], keys[index])
            shape.score(q: q, rows, keys, from: 0, head: head, into: scores)
            for index in 0..<rows.count {
                let visible = shape.visible(from: keys.count - rows.count + index)
                let row = scores + index * keys.count
                row.update(repeating: -.infinity, count: visible.lowerBound)
                (row + visible.upperBound).update(repeating: -.infinity, count: keys.count - visible.upperBound)
            }
        }
    }

    /// Softmax over the sources, masked or not: a finite score in a masked place lifts the mask.
    public func attentionPattern(
        scores: [Tensor], queries: [Range<Int>], shape: AttentionShape, control: CallControl
    ) throws(LensError) -> [Tensor] {
        let sources = scores.map { $0.shape.last ?? 0 }
        return try forHeads(queries, sources: sources, shape: shape, control: control) { index, head, pattern in
            let (rows, width) = (queries[index].count, sources[index])
            scores[index].withPointer { pattern.update(from: $0 + head * rows * width, count: rows * width) }
            for row in 0..<rows { lens_softmax(pattern + row * width, width) }
        }
    }

    /// `pattern · v` per head: `[row, head, dHead]`.
    public func attentionMix(
        patterns: [Tensor], queries: [Range<Int>], values: [SequenceRows], shape: AttentionShape, control: CallControl
    ) throws(LensError) -> Tensor {
        try mixHeads(queries, sources: values.map(\.count), shape: shape, control: control) { index, head, z in
            let (rows, values) = (queries[index], values[index])
            patterns[index].withPointer {
                shape.mix($0 + head * rows.count * values.count, rows, values, from: 0, head: head, into: z)
            }
        }
    }

    /// Scores, softmax and mix in one go, without keeping a pattern: `[row, head, dHead]`.
    public func attention(
        q: Tensor, queries: [Range<Int>], keys: [SequenceRows], values: [SequenceRows], shape: AttentionShape,
        control: CallControl
    ) throws(LensError) -> Tensor {
        try mixHeads(queries, sources: keys.map(\.count), shape: shape, control: control) { index, head, z in
            let (rows, keys) = (queries[index], keys[index])
            // What lies behind the window of the first query is seen by none of them.
            let start = shape.visible(from: keys.count - rows.count).lowerBound
            withUnsafeTemporaryAllocation(of: Float.self, capacity: rows.count * (keys.count - start)) { scratch in
                guard let pattern = scratch.baseAddress else { return }
                shape.attend(q: q, rows, keys, from: start, head: head, into: pattern)
                shape.mix(pattern, rows, values[index], from: start, head: head, into: z)
            }
        }
    }

    // MARK: - Cutting: a block is some heads of some sequences

    /// One query of one head is about a microsecond of work: less than handing it to another thread costs.
    private static let workOfBlock = 1 << 17

    private func forUnits(
        _ queries: [Range<Int>], sources: [Int], shape: AttentionShape, control: CallControl,
        _ body: @escaping @Sendable (_ index: Int, _ head: Int) -> Void
    ) throws(LensError) {
        let units = queries.count * shape.heads
        let work = zip(queries, sources).reduce(0) { $0 + $1.0.count * $1.1 } * shape.heads * shape.dHead
        let blocks = max(min(work / Self.workOfBlock, units), 1)
        try run(blocks: blocks, control: control) { block in
            for unit in block * units / blocks..<(block + 1) * units / blocks {
                body(unit / shape.heads, unit % shape.heads)
            }
        }
    }

    /// One `[head, pos, sourcePos]` per sequence; `body` gets the place of one head's.
    func forHeads(
        _ queries: [Range<Int>], sources: [Int], shape: AttentionShape, control: CallControl,
        _ body: @escaping @Sendable (_ index: Int, _ head: Int, UnsafeMutablePointer<Float>) -> Void
    ) throws(LensError) -> [Tensor] {
        var squares: [Tensor] = []
        for (index, rows) in queries.enumerated() {
            let size = rows.count * sources[index]
            var square = Tensor(uninitialized: [shape.heads, rows.count, sources[index]])
            try square.withMutablePointer { (square) throws(LensError) in
                let square = Shared(square)
                try forUnits([rows], sources: [sources[index]], shape: shape, control: control) { _, head in
                    body(index, head, square.pointer + head * size)
                }
            }
            squares.append(square)
        }
        return squares
    }

    private func mixHeads(
        _ queries: [Range<Int>], sources: [Int], shape: AttentionShape, control: CallControl,
        _ body: @escaping @Sendable (_ index: Int, _ head: Int, UnsafeMutablePointer<Float>) -> Void
    ) throws(LensError) -> Tensor {
        var z = Tensor(uninitialized: [queries.last?.upperBound ?? 0, shape.heads, shape.dHead])
        try z.withMutablePointer { (z) throws(LensError) in
            let z = Shared(z)
            try forUnits(queries, sources: sources, shape: shape, control: control) { index, head in
                body(index, head, z.pointer)
            }
        }
        return z
    }
}

// MARK: - One head, from the source position `start` on

extension AttentionShape {
    /// The pattern of one head, from scores that nobody looks at.
    func attend(
        q: Tensor, _ rows: Range<Int>, _ keys: SequenceRows, from start: Int, head: Int,
        into pattern: UnsafeMutablePointer<Float>
    ) {
        let width = keys.count - start
        score(q: q, rows, keys, from: start, head: head, into: pattern)
        for index in 0..<rows.count {
            let visible = visible(from: keys.count - rows.count + index)
            let row = pattern + index * width
            row.update(repeating: 0, count: visible.lowerBound - start)
            lens_softmax(row + visible.lowerBound - start, visible.count)
            (row + visible.upperBound - start).update(repeating: 0, count: keys.count - visible.upperBound)
        }
    }

    fileprivate func score(
        q: Tensor, _ rows: Range<Int>, _ keys: SequenceRows, from start: Int, head: Int,
        into scores: UnsafeMutablePointer<Float>
    ) {
        cappedScore(q: q, rows, keys, from: start, head: head, into: scores)
        guard slopes.indices.contains(head) else { return }
        let width = keys.count - start
        for index in 0..<rows.count {
            lens_add_slope(
                scores + index * width, width, keys.count - rows.count + index - start, slopes[head])
        }
    }

    /// Scores before ALiBi's slopes.
    func cappedScore(
        q: Tensor, _ rows: Range<Int>, _ keys: SequenceRows, from start: Int, head: Int,
        into scores: UnsafeMutablePointer<Float>
    ) {
        let width = keys.count - start
        q.withPointer { q in
            keys.withPointer { k in
                multiplyTransposed(
                    q + rows.lowerBound * queryWidth + head * dHead, strideA: queryWidth, rows: rows.count,
                    k + start * keyWidth + keyHead(of: head) * dHead, strideB: keyWidth, columns: width, inner: dHead,
                    into: scores, strideC: width)
            }
        }
        if scale != 1 { lens_scale(scores, rows.count * width, scale) }
        if let softCap { lens_soft_cap(scores, rows.count * width, softCap) }
    }

    fileprivate func mix(
        _ pattern: UnsafePointer<Float>, _ rows: Range<Int>, _ values: SequenceRows, from start: Int, head: Int,
        into z: UnsafeMutablePointer<Float>
    ) {
        let width = values.count - start
        let target = z + rows.lowerBound * queryWidth + head * dHead
        values.withPointer { v in
            let values = v + start * keyWidth + keyHead(of: head) * dHead
            if rows.count == 1 {
                // A single row is the usual case of generation, and far from what `sgemm` is made for.
                cblas_sgemv(
                    CblasRowMajor, CblasTrans, Int32(width), Int32(dHead), 1, values, Int32(keyWidth), pattern, 1, 0,
                    target, 1)
            } else {
                multiplyPlain(
                    pattern, strideA: width, rows: rows.count, values, strideB: keyWidth, columns: dHead,
                    inner: width, into: target, strideC: queryWidth)
            }
        }
    }
}
