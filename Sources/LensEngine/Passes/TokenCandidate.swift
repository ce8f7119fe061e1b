import HeapModule
import LensTensor

/// A possible next token.
struct TokenCandidate: Comparable, Sendable {
    let id: Int
    /// Natural logarithm of the probability.
    let logprob: Float

    /// The better one is the greater; of equal ones the lower id.
    static func < (left: TokenCandidate, right: TokenCandidate) -> Bool {
        (left.logprob, right.id) < (right.logprob, left.id)
    }

    /// The likeliest tokens of each row, best first.
    ///
    /// - Parameter logits: `[row, vocab]`
    static func best(_ count: Int, of logits: Tensor) -> [[TokenCandidate]] {
        let vocab = logits.rowWidth
        return logits.withPointer { pointer in
            (0..<logits.shape[0]).map { row in
                best(count, of: UnsafeBufferPointer(start: pointer + row * vocab, count: vocab))
            }
        }
    }

    private static func best(_ count: Int, of logits: UnsafeBufferPointer<Float>) -> [TokenCandidate] {
        let logSum = logits.logSumExp()
        var best = Heap<TokenCandidate>()
        for (id, logit) in logits.enumerated() {
            let candidate = TokenCandidate(id: id, logprob: Float(Double(logit) - logSum))
            if best.count < count {
                best.insert(candidate)
            } else if let lowest = best.min, lowest < candidate {
                best.replaceMin(with: candidate)
            }
        }
        return best.unordered.sorted(by: >)
    }
}
