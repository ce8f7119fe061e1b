import CLensKernels
import Glibc
import LensCore

/// Next-token distributions that others are held against, some rows of them.
public struct PredictedRows: Sendable {
    /// `[row, vocab]`
    let probabilities: Tensor
    /// Per row, `Σ p · log p`.
    let expectations: [Double]
}

/// What one row of logits says.
public struct RowPrediction: Sendable {
    /// The log of the sum of the exponentials.
    public var logSum = 0.0
    /// In nats.
    public var entropy = 0.0
    /// `KL(reference ‖ this)`, in nats; 0 without a reference.
    public var divergence = 0.0
    /// The likeliest tokens, best first; of equal ones the lower id.
    public var top: [(token: Int32, logprob: Float)] = []
    /// Of the tokens that were asked for: log probability, and how many are likelier.
    public var asked: [(logprob: Float, rank: Int32)] = []
}

extension ComputePool {
    /// Distributions as ``predictions(_:against:top:asking:control:)`` takes them.
    ///
    /// - Parameter logits: `[row, vocab]`
    public func predictedRows(_ logits: Tensor, control: CallControl) throws(LensError) -> PredictedRows {
        let (rows, vocab) = (logits.shape[0], logits.rowWidth)
        var probabilities = logits
        var expectations = [Double](repeating: 0, count: rows)
        try probabilities.withMutablePointer { (values) throws(LensError) in
            try expectations.withUnsafeMutableBufferPointer { (expectations) throws(LensError) in
                guard let base = expectations.baseAddress else { return }
                let (values, expectations) = (Shared(values), Shared(base))
                try forRows(rows, width: vocab, control: control) { range in
                    logits.withPointer { logits in
                        for row in range {
                            let own = UnsafeMutableBufferPointer(start: values.pointer + row * vocab, count: vocab)
                            let logSum = own.fastLogSumExp()
                            own.softmax()
                            expectations.pointer[row] =
                                Double(lens_dot(values.pointer + row * vocab, logits + row * vocab, vocab)) - logSum
                        }
                    }
                }
            }
        }
        return PredictedRows(probabilities: probabilities, expectations: expectations)
    }

    /// What rows of logits say, one by one.
    ///
    /// - Parameters:
    ///   - logits: `[row, vocab]`
    ///   - reference: distributions of the same rows.
    ///   - top: how many tokens to name, at most `vocab`.
    ///   - asked: per row, tokens in `0..<vocab`.
    public func predictions(
        _ logits: Tensor, against reference: PredictedRows?, top: Int, asking asked: [[Int32]], control: CallControl
    ) throws(LensError) -> [RowPrediction] {
        let (rows, vocab) = (logits.shape[0], logits.rowWidth)
        precondition(asked.count == rows, "\(asked.count) lists of tokens for \(rows) rows")
        var result = [RowPrediction](repeating: RowPrediction(), count: rows)
        try result.withUnsafeMutableBufferPointer { (result) throws(LensError) in
            guard let base = result.baseAddress else { return }
            let result = Shared(base)
            try forRows(rows, width: vocab, control: control) { range in
                logits.withPointer { logits in
                    for row in range {
                        let own = UnsafeBufferPointer(start: logits + row * vocab, count: vocab)
                        var prediction = RowPrediction(own, top: top, asking: asked[row])
                        if let reference {
                            let cross = reference.probabilities.withPointer {
                                Double(lens_dot($0 + row * vocab, logits + row * vocab, vocab))
                            }
                            // Rounding must not make a divergence negative.
                            prediction.divergence = max(
                                reference.expectations[row] - cross + prediction.logSum, 0)
                        }
                        result.pointer[row] = prediction
                    }
                }
            }
        }
        return result
    }
}

extension RowPrediction {
    fileprivate init(_ logits: UnsafeBufferPointer<Float>, top count: Int, asking asked: [Int32]) {
        guard let base = logits.baseAddress else { return }
        withUnsafeTemporaryAllocation(of: Float.self, capacity: logits.count) { scratch in
            _ = scratch.initialize(from: logits)
            logSum = scratch.fastLogSumExp()
            scratch.softmax()
            if let probabilities = scratch.baseAddress {
                entropy = max(logSum - Double(lens_dot(probabilities, base, logits.count)), 0)
            }
        }
        let sum = logSum
        self.asked = asked.map { token in
            let own = logits[Int(token)]
            let likelier = logits.reduce(Int32(0)) { $0 + ($1 > own ? 1 : 0) }
            return (Float(Double(own) - sum), likelier)
        }
        top = logits.indicesOfLargest(count).map { (Int32($0), Float(Double(logits[$0]) - sum)) }
    }
}
