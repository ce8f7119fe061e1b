import Glibc
import LensTensor

/// Attention in float64, one sum at a time.
struct NaiveAttention: Sendable {
    let shape: AttentionShape
    let sequences: [Range<Int>]

    /// Everything that attention can do, and without it.
    static let shapes: [AttentionShape] = {
        let windows: [Int?] = [nil, 1, 3, 100]
        var shapes = windows.map { AttentionShape(heads: 4, keyHeads: 2, dHead: 6, scale: 0.5, window: $0) }
        shapes.append(AttentionShape(heads: 4, keyHeads: 4, dHead: 6, scale: 2, window: nil, softCap: 1.5))
        shapes.append(AttentionShape(heads: 4, keyHeads: 1, dHead: 6, scale: 2, window: 4, softCap: 1.5))
        let slopes: [Float] = [0.5, 0.25, 0.125, 1]
        shapes.append(AttentionShape(heads: 4, keyHeads: 4, dHead: 6, scale: 0.5, window: nil, slopes: slopes))
        return shapes
    }()

    /// Scores of one head's row over all sources of its sequence; −∞ where it does not look.
    func scores(_ q: [Double], _ k: [Double], row: Int, in rows: Range<Int>, head: Int) -> [Double] {
        let (heads, keyHeads, width) = (shape.heads, shape.keyHeads, shape.dHead)
        let keyHead = head * keyHeads / heads
        let first = max(rows.lowerBound, shape.window.map { row - $0 + 1 } ?? 0)
        return rows.map { source in
            guard source >= first, source <= row else { return -.infinity }
            var score =
                (0..<width).reduce(0.0) {
                    $0 + q[(row * heads + head) * width + $1] * k[(source * keyHeads + keyHead) * width + $1]
                } * Double(shape.scale)
            if let cap = shape.softCap.map(Double.init) { score = cap * tanh(score / cap) }
            if !shape.slopes.isEmpty { score -= Double(shape.slopes[head]) * Double(row - source) }
            return score
        }
    }

    func pattern(_ scores: [Double]) -> [Double] {
        let highest = scores.max() ?? 0
        let total = scores.reduce(0) { $0 + exp($1 - highest) }
        return scores.map { exp($0 - highest) / total }
    }

    func z(_ q: [Double], _ k: [Double], _ v: [Double]) -> [Double] {
        let (heads, keyHeads, width) = (shape.heads, shape.keyHeads, shape.dHead)
        var z = [Double](repeating: 0, count: q.count)
        for rows in sequences {
            for head in 0..<heads {
                for row in rows {
                    let pattern = pattern(scores(q, k, row: row, in: rows, head: head))
                    for (share, source) in zip(pattern, rows) {
                        for column in 0..<width {
                            z[(row * heads + head) * width + column] +=
                                share * v[(source * keyHeads + head * keyHeads / heads) * width + column]
                        }
                    }
                }
            }
        }
        return z
    }
}

extension Tensor {
    var doubles: [Double] { values.map(Double.init) }
}
