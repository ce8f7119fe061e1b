import LensCore
import LensTensor

extension ForwardState {
    /// Finishes the pass with the loss of each prediction, without ever holding the logits.
    ///
    /// - Returns: per sequence `[pos − 1]`: `−log_softmax(logits[t])[token[t + 1]]`, in nats.
    public consuming func tokenLosses(on compute: Compute) throws(LensError) -> [[Float]] {
        var wanted: [Int] = []
        var targets: [Int32] = []
        for (sequence, range) in zip(tokens, rows) {
            wanted += range.dropLast()
            targets += sequence.dropFirst()
        }
        let lengths = tokens.map { $0.count - 1 }
        let losses: [Float]
        if wanted.isEmpty {
            losses = []
        } else if point.kind == .logits {
            losses = crossEntropy(live[.logits], rows: wanted, targets: targets)
        } else {
            losses = try compute.pool.crossEntropy(
                finalRows(wanted, on: compute), targets: targets, through: form.unembedding, control: compute.control)
        }
        var next = 0
        return lengths.map { length in
            defer { next += length }
            return Array(losses[next..<next + length])
        }
    }

    /// Finishes the pass with the logits of some sequences' last positions; no other position meets the vocabulary.
    ///
    /// - Returns: `[sequence, vocab]`.
    public consuming func lastLogits(of sequences: Range<Int>, on compute: Compute) throws(LensError) -> Tensor {
        let last = rows[sequences].map { $0.upperBound - 1 }
        if point.kind == .logits, let logits = live[.logits] { return logits.gathering(last) }
        return try compute.pool.logits(
            finalRows(last, on: compute), through: form.unembedding, control: compute.control)
    }

    /// Some rows as the unembedding takes them, `[row, dModel]`: normed, scaled, shifted. The pass goes on to the last
    /// layer's end where it does not stand there.
    ///
    /// - Parameter wanted: rows of all sequences together, see ``rowRange(of:)``.
    public mutating func finalRows(_ wanted: [Int], on compute: Compute) throws(LensError) -> Tensor {
        if let trimmed = try trimmed(to: wanted, on: compute) {
            var trimmed = trimmed
            return try trimmed.finalRows(Array(wanted.indices), on: compute)
        }
        try advance(to: max(point, HookPoint(.residPost, layer: configuration.nLayers - 1)), on: compute)
        if let normalized = live[.lnFinalNormalized] {
            return try compute.enter(form.lnFinal, normalized.gathering(wanted))
        }
        let stream = residual.gathering(wanted)
        guard let scale = live[.lnFinalScale] else { return try compute.normAndEnter(form.lnFinal, stream) }
        return try compute.enter(
            form.lnFinal, compute.normalize(norm(form.lnFinal), stream, scale: scale.gathering(wanted)))
    }

    /// From logits that exist because somebody edited or read them.
    private func crossEntropy(_ logits: Tensor?, rows: [Int], targets: [Int32]) -> [Float] {
        guard let logits else { return [] }
        return logits.withPointer { pointer in
            zip(rows, targets).map { row, target in
                let values = UnsafeBufferPointer(start: pointer + row * logits.rowWidth, count: logits.rowWidth)
                return Float(values.logSumExp() - Double(values[Int(target)]))
            }
        }
    }
}
