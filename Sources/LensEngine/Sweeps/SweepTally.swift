import Glibc
import LensCore

/// The numbers of a sweep as they come in, variant by variant and prompt by prompt.
struct SweepTally: Sendable {
    private let reader: MetricReader
    private let lengths: [Int]
    private let variants: Int
    /// Per metric `[variant, column]`; the last row is the unedited run's.
    private var columns: [[Double]]
    /// Per variant, of the differences of the losses over all predictions.
    private var squares: [Double]
    private var baselines: [Int: [Float]] = [:]
    /// Losses that came before their prompt's unedited ones.
    private var waiting: [Int: [(variant: Int, losses: [Float])]] = [:]
    /// By prompt, where its predictions begin among those of all prompts.
    private let firstPrediction: [Int]

    init(_ reader: MetricReader, variants: Int, lengths: [Int]) {
        self.reader = reader
        self.lengths = lengths
        self.variants = variants
        columns = reader.metrics.map { Array(repeating: .nan, count: (variants + 1) * reader.width(of: $0)) }
        squares = Array(repeating: 0, count: variants)
        var next = 0
        firstPrediction = lengths.map { length in
            defer { next += length - 1 }
            return next
        }
    }

    /// Takes what was read of a variant, or with `nil` of the unedited run, in one prompt.
    mutating func add(_ reading: MetricReader.Reading, variant: Int?, prompt: Int) {
        let row = variant ?? variants
        for (index, metric) in reader.metrics.enumerated() {
            let first = row * reader.width(of: metric)
            switch metric.kind {
            case .loss: columns[index][first + prompt] = reading.losses.mean
            case .tokenLoss:
                for (offset, loss) in reading.losses.enumerated() {
                    columns[index][first + firstPrediction[prompt] + offset] = Double(loss)
                }
            default: columns[index][first + prompt] = reading.values[index]
            }
        }
        guard !reading.losses.isEmpty else { return }
        if let variant {
            if let plain = baselines[prompt] {
                compare(reading.losses, with: plain, variant: variant)
            } else {
                waiting[prompt, default: []].append((variant, reading.losses))
            }
        } else {
            baselines[prompt] = reading.losses
            for (variant, losses) in waiting.removeValue(forKey: prompt) ?? [] {
                compare(losses, with: reading.losses, variant: variant)
            }
        }
    }

    /// Forgets a prompt's unedited losses: all its variants are in.
    mutating func close(prompt: Int) { baselines[prompt] = nil }

    private mutating func compare(_ losses: [Float], with plain: [Float], variant: Int) {
        for (edited, plain) in zip(losses, plain) {
            let difference = Double(edited) - Double(plain)
            squares[variant] += difference * difference
        }
    }

    // MARK: - Results

    /// - Parameters:
    ///   - same: the variant that a variant equals.
    ///   - isInert: whether a variant is the unedited run.
    func values(same: (Int) -> Int, isInert: (Int) -> Bool) -> [MetricValues] {
        reader.metrics.enumerated().map { index, metric in
            let width = reader.width(of: metric)
            let all = columns[index]
            let base = Array(all[(variants * width)...])
            let baseline = mean(base, of: metric)
            var result = MetricValues(
                metric: metric, baseline: baseline, baselines: base, values: [], standardErrors: [], columns: [])
            result.values.reserveCapacity(variants)
            result.standardErrors.reserveCapacity(variants)
            result.columns.reserveCapacity(variants * width)
            for variant in 0..<variants {
                let computed = same(variant)
                let isInert = isInert(computed)
                let own = isInert ? base : Array(all[computed * width..<(computed + 1) * width])
                let value = mean(own, of: metric)
                result.values.append(value)
                result.columns += own
                result.standardErrors.append(
                    metric.kind.isLoss
                        ? lossError(mean: value - baseline, squares: isInert ? 0 : squares[computed])
                        : Self.error(zip(own, base).map { $0 - $1 }))
            }
            return result
        }
    }

    /// Over predictions for the losses, over prompts for the others.
    private func mean(_ columns: [Double], of metric: Metric) -> Double {
        guard metric.kind == .loss else { return columns.mean }
        let predictions = lengths.reduce(0) { $0 + $1 - 1 }
        guard predictions > 0 else { return .nan }
        var total = 0.0
        for (loss, length) in zip(columns, lengths) where length > 1 { total += loss * Double(length - 1) }
        return total / Double(predictions)
    }

    /// Of the mean difference over all predictions.
    private func lossError(mean: Double, squares: Double) -> Double {
        let count = Double(lengths.reduce(0) { $0 + $1 - 1 })
        guard count >= 2 else { return .nan }
        return (max(squares - count * mean * mean, 0) / (count - 1) / count).squareRoot()
    }

    /// Of the mean, with the sample variance.
    private static func error(_ differences: [Double]) -> Double {
        guard differences.count >= 2 else { return .nan }
        let mean = differences.mean
        let squares = differences.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
        return (squares / Double(differences.count - 1) / Double(differences.count)).squareRoot()
    }
}

extension [Float] {
    /// In float64; NaN where there is none.
    var mean: Double { isEmpty ? .nan : reduce(0.0) { $0 + Double($1) } / Double(count) }
}

extension [Double] {
    /// NaN where there is none.
    var mean: Double { isEmpty ? .nan : reduce(0, +) / Double(count) }
}
