import CLensKernels
import COpenBLAS
import LensCore

/// One sequence of a pass that goes on where another ended: its new rows are its last positions.
public struct KeptSequence: Sendable {
    /// The rows of the batch that are the sequence's new positions.
    public let rows: Range<Int>
    /// `[pos, keyHead · dHead]`: of all positions, the new ones last.
    public let keys: GrowingRows
    public let values: GrowingRows

    public init(rows: Range<Int>, keys: GrowingRows, values: GrowingRows) {
        self.rows = rows
        self.keys = keys
        self.values = values
    }

    /// Positions, those of the earlier passes counted.
    var total: Int { keys.count }
    /// The absolute position of the first new row.
    var first: Int { total - rows.count }
}

/// Attention of new positions over everything kept: `q` is `[row, head, dHead]`, patterns and scores are one
/// `[head, newPos, sourcePos]` tensor per sequence, whose sources are all positions. Masks and windows are absolute.
extension ComputePool {
    /// `q · kᵀ × scale`; masked entries are −∞.
    public func attentionScores(
        q: Tensor, sequences: [KeptSequence], shape: AttentionShape, control: CallControl
    ) throws(LensError) -> [Tensor] {
        try forHeads(sequences, shape: shape, control: control) { sequence, _, head, scores in
            shape.score(q: q, sequence, from: 0, head: head, into: scores)
            for index in 0..<sequence.rows.count {
                let visible = shape.visible(from: sequence.first + index)
                let row = scores + index * sequence.total
                row.update(repeating: -.infinity, count: visible.lowerBound)
                (row + visible.upperBound).update(repeating: -.infinity, count: sequence.total - visible.upperBound)
            }
        }
    }

    /// Softmax over the sources, masked or not.
    public func attentionPattern(
        scores: [Tensor], sequences: [KeptSequence], shape: AttentionShape, control: CallControl
    ) throws(LensError) -> [Tensor] {
        try forHeads(sequences, shape: shape, control: control) { sequence, index, head, pattern in
            let count = sequence.rows.count * sequence.total
            scores[index].withPointer { pattern.update(from: $0 + head * count, count: count) }
            for row in 0..<sequence.rows.count { lens_softmax(pattern + row * sequence.total, sequence.total) }
        }
    }

    /// `pattern · v` per head: `[row, head, dHead]`.
    public func attentionMix(
        patterns: [Tensor], sequences: [KeptSequence], shape: AttentionShape, control: CallControl
    ) throws(LensError) -> Tensor {
        try mixHeads(sequences, shape: shape, control: control) { sequence, index, head, z in
            patterns[index].withPointer {
                shape.mix(
                    $0 + head * sequence.rows.count * sequence.total, sequence, from: 0, head: head, into: z)
            }
        }
    }

    /// Scores, softmax and mix in one go, without keeping a pattern: `[row, head, dHead]`.
    public func attention(
        q: Tensor, sequences: [KeptSequence], shape: AttentionShape, control: CallControl
    ) throws(LensError) -> Tensor {
        try mixHeads(sequences, shape: shape, control: control) { sequence, _, head, z in
            // What lies behind the window of the first new position is seen by none of them.
            let start = shape.visible(from: sequence.first).lowerBound
            let width = sequence.total - start
            withUnsafeTemporaryAllocation(of: Float.self, capacity: sequence.rows.count * width) { scratch in
                guard let pattern = scratch.baseAddress else { return }
                shape.score(q: q, sequence, from: start, head: head, into: pattern)
                for index in 0..<sequence.rows.count {
                    let visible = shape.visible(from: sequence.first + index)
                    let row = pattern + index * width
                    row.update(repeating: 0, count: visible.lowerBound - start)
                    lens_softmax(row + visible.lowerBound - start, visible.count)
                    (row + visible.upperBound - start).update(repeating: 0, count: sequence.total - visible.upperBound)
                }
                shape.mix(pattern, sequence, from: start, head: head, into: z)
            }
        }
    }

    // MARK: - Cutting: a block is some heads of some sequences

    /// One new position of one head is about a microsecond of work: less than handing it to another thread costs.
    private static let workOfBlock = 1 << 17

    private func forUnits(
        _ sequences: [KeptSequence], shape: AttentionShape, control: CallControl,
        _ body: @escaping @Sendable (_ index: Int, _ head: Int) -> Void
    ) throws(LensError) {
        let units = sequences.count * shape.heads
        let work = sequences.reduce(0) { $0 + $1.rows.count * $1.total } * shape.heads * shape.dHead
        let blocks = max(min(work / Self.workOfBlock, units), 1)
        try run(blocks: blocks, control: control) { block in
            for unit in block * units / blocks..<(block + 1) * units / blocks {
                body(unit / shape.heads, unit % shape.heads)
            }
        }
    }

    private func forHeads(
        _ sequences: [KeptSequence], shape: AttentionShape, control: CallControl,
        _ body: @escaping @Sendable (KeptSequence, Int, Int, UnsafeMutablePointer<Float>) -> Void
    ) throws(LensError) -> [Tensor] {
        var all: [Tensor] = []
        for (index, sequence) in sequences.enumerated() {
            var tensor = Tensor(uninitialized: [shape.heads, sequence.rows.count, sequence.total])
            try tensor.withMutablePointer { (pointer) throws(LensError) in
                let values = Shared(pointer)
                try forUnits([sequence], shape: shape, control: control) { _, head in
                    body(sequence, index, head, values.pointer + head * sequence.rows.count * sequence.total)
                }
            }
            all.append(tensor)
        }
        return all
    }

    private func mixHeads(
        _ sequences: [KeptSequence], shape: AttentionShape, control: CallControl,
        _ body: @escaping @Sendable (KeptSequence, Int, Int, UnsafeMutablePointer<Float>) -> Void
    ) throws(LensError) -> Tensor {
        var z = Tensor(uninitialized: [sequences.last?.rows.upperBound ?? 0, shape.heads, shape.dHead])
        try z.withMutablePointer { (pointer) throws(LensError) in
            let values = Shared(pointer)
            try forUnits(sequences, shape: shape, control: control) { index, head in
                body(sequences[index], index, head, values.pointer)
            }
        }
        return z
    }
}

// MARK: - One head, from the source position `start` on

extension AttentionShape {
    fileprivate func score(
        q: Tensor, _ sequence: KeptSequence, from start: Int, head: Int, into scores: UnsafeMutablePointer<Float>
    ) {
        let width = sequence.total - start
        q.withPointer { q in
            sequence.keys.withPointer { k in
                multiplyTransposed(
                    q + sequence.rows.lowerBound * queryWidth + head * dHead, strideA: queryWidth,
                    rows: sequence.rows.count, k + start * keyWidth + keyHead(of: head) * dHead, strideB: keyWidth,
                    columns: width, inner: dHead, into: scores, strideC: width)
            }
        }
        if scale != 1 { lens_scale(scores, sequence.rows.count * width, scale) }
    }

    fileprivate func mix(
        _ pattern: UnsafePointer<Float>, _ sequence: KeptSequence, from start: Int, head: Int,
        into z: UnsafeMutablePointer<Float>
    ) {
        let width = sequence.total - start
        let target = z + sequence.rows.lowerBound * queryWidth + head * dHead
        sequence.values.withPointer { v in
            let values = v + start * keyWidth + keyHead(of: head) * dHead
            if sequence.rows.count == 1 {
                // A single row is the usual case here, and far from what `sgemm` is made for.
                cblas_sgemv(
                    CblasRowMajor, CblasTrans, Int32(width), Int32(dHead), 1, values, Int32(keyWidth), pattern, 1, 0,
                    target, 1)
            } else {
                multiplyPlain(
                    pattern, strideA: width, rows: sequence.rows.count, values, strideB: keyWidth, columns: dHead,
                    inner: width, into: target, strideC: queryWidth)
            }
        }
    }
}
