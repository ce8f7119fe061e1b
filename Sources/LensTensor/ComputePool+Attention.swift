import CLensKernels
import LensCore

/// The shape of one layer's attention. Grouped queries: `heads` is a multiple of `keyHeads`.
public struct AttentionShape: Sendable {
    public let heads: Int
    public let keyHeads: Int
    public let dHead: Int
    /// What scores are multiplied with.
    public let scale: Float
    /// How many keys a query sees, its own counted; `nil` means all before it.
    public let window: Int?

    public init(heads: Int, keyHeads: Int, dHead: Int, scale: Float, window: Int?) {
        self.heads = heads
        self.keyHeads = keyHeads
        self.dHead = dHead
        self.scale = scale
        self.window = window
    }

    /// The keys that the query at `pos` sees.
    func visible(from pos: Int) -> Range<Int> {
        max(0, window.map { pos - $0 + 1 } ?? 0)..<pos + 1
    }

    var queryWidth: Int { heads * dHead }
    var keyWidth: Int { keyHeads * dHead }
    func keyHead(of head: Int) -> Int { head * keyHeads / heads }
}

/// Attention over a ragged batch: `q` is `[row, head, dHead]`, `k` and `v` are `[row, keyHead, dHead]`, and each
/// sequence is a range of rows. Patterns and scores are one `[head, pos, sourcePos]` tensor per sequence.
extension ComputePool {
    /// `q · kᵀ × scale`; masked entries are −∞.
    public func attentionScores(
        q: Tensor, k: Tensor, sequences: [Range<Int>], shape: AttentionShape, control: CallControl
    ) throws(LensError) -> [Tensor] {
        try forHeads(sequences, shape: shape, control: control) { _, rows, head, scores in
            shape.score(q: q, k: k, rows: rows, head: head, into: scores)
            let length = rows.count
            for pos in 0..<length {
                let visible = shape.visible(from: pos)
                let row = scores + pos * length
                for source in 0..<visible.lowerBound { row[source] = -.infinity }
                for source in visible.upperBound..<length { row[source] = -.infinity }
            }
        }
    }

    /// Softmax over the sources, masked or not: a finite score in a masked place lifts the mask.
    public func attentionPattern(
        scores: [Tensor], sequences: [Range<Int>], shape: AttentionShape, control: CallControl
    ) throws(LensError) -> [Tensor] {
        try forHeads(sequences, shape: shape, control: control) { index, rows, head, pattern in
            let length = rows.count
            scores[index].withPointer { pattern.update(from: $0 + head * length * length, count: length * length) }
            for pos in 0..<length { lens_softmax(pattern + pos * length, length) }
        }
    }

    /// `pattern · v` per head: `[row, head, dHead]`.
    public func attentionMix(
        patterns: [Tensor], v: Tensor, sequences: [Range<Int>], shape: AttentionShape, control: CallControl
    ) throws(LensError) -> Tensor {
        try mixHeads(sequences, rows: v.shape[0], shape: shape, control: control) { index, rows, head, z in
            patterns[index].withPointer {
                shape.mix(pattern: $0 + head * rows.count * rows.count, v: v, rows: rows, head: head, into: z)
            }
        }
    }

    /// Scores, softmax and mix in one go, without keeping a pattern: `[row, head, dHead]`.
    public func attention(
        q: Tensor, k: Tensor, v: Tensor, sequences: [Range<Int>], shape: AttentionShape, control: CallControl
    ) throws(LensError) -> Tensor {
        try mixHeads(sequences, rows: v.shape[0], shape: shape, control: control) { _, rows, head, z in
            let length = rows.count
            withUnsafeTemporaryAllocation(of: Float.self, capacity: length * length) { scratch in
                guard let pattern = scratch.baseAddress else { return }
                shape.attend(q: q, k: k, rows: rows, head: head, into: pattern)
                shape.mix(pattern: pattern, v: v, rows: rows, head: head, into: z)
            }
        }
    }

    // MARK: - Cutting: one block is one head of one sequence

    func forHeads(
        _ sequences: [Range<Int>], shape: AttentionShape, control: CallControl,
        _ body: @escaping @Sendable (Int, Range<Int>, Int, UnsafeMutablePointer<Float>) -> Void
    ) throws(LensError) -> [Tensor] {
        var squares: [Tensor] = []
        for (index, rows) in sequences.enumerated() {
            var square = Tensor(uninitialized: [shape.heads, rows.count, rows.count])
            try square.withMutablePointer { (square) throws(LensError) in
                let square = Shared(square)
                try run(blocks: shape.heads, control: control) { head in
                    body(index, rows, head, square.pointer + head * rows.count * rows.count)
                }
            }
            squares.append(square)
        }
        return squares
    }

    private func mixHeads(
        _ sequences: [Range<Int>], rows: Int, shape: AttentionShape, control: CallControl,
        _ body: @escaping @Sendable (Int, Range<Int>, Int, UnsafeMutablePointer<Float>) -> Void
    ) throws(LensError) -> Tensor {
        var z = Tensor(uninitialized: [rows, shape.heads, shape.dHead])
        try z.withMutablePointer { (z) throws(LensError) in
            let z = Shared(z)
            try run(blocks: sequences.count * shape.heads, control: control) { block in
                let index = block / shape.heads
                body(index, sequences[index], block % shape.heads, z.pointer)
            }
        }
        return z
    }
}

// MARK: - One head

extension AttentionShape {
    /// The pattern of one head, from scores that nobody looks at.
    func attend(q: Tensor, k: Tensor, rows: Range<Int>, head: Int, into pattern: UnsafeMutablePointer<Float>) {
        let length = rows.count
        score(q: q, k: k, rows: rows, head: head, into: pattern)
        for pos in 0..<length {
            let visible = visible(from: pos)
            let row = pattern + pos * length
            row.update(repeating: 0, count: visible.lowerBound)
            lens_softmax(row + visible.lowerBound, visible.count)
            (row + visible.upperBound).update(repeating: 0, count: length - visible.upperBound)
        }
    }

    fileprivate func score(
        q: Tensor, k: Tensor, rows: Range<Int>, head: Int,
        into scores: UnsafeMutablePointer<Float>
    ) {
        let length = rows.count
        q.withPointer { q in
            k.withPointer { k in
                multiplyTransposed(
                    q + rows.lowerBound * queryWidth + head * dHead, strideA: queryWidth,
                    rows: length,
                    k + rows.lowerBound * keyWidth + keyHead(of: head) * dHead,
                    strideB: keyWidth, columns: length, inner: dHead, into: scores, strideC: length)
            }
        }
        if scale != 1 { lens_scale(scores, length * length, scale) }
    }

    fileprivate func mix(
        pattern: UnsafePointer<Float>, v: Tensor, rows: Range<Int>, head: Int,
        into z: UnsafeMutablePointer<Float>
    ) {
        v.withPointer { v in
            multiplyPlain(
                pattern, strideA: rows.count, rows: rows.count,
                v + rows.lowerBound * keyWidth + keyHead(of: head) * dHead, strideB: keyWidth,
                columns: dHead, inner: rows.count,
                into: z + rows.lowerBound * queryWidth + head * dHead, strideC: queryWidth)
        }
    }
}
