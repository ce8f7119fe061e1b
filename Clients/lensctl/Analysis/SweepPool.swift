import LensCore

/// Several sweeps over different prompts as if they had been one.
///
/// Means and variances are pooled over the predictions by the formula of Chan, Golub and LeVeque (1979), which is exact
/// whatever the sizes of the parts.
package struct SweepPool: Sendable {
    private var first: SweepReply?
    private var tokens: [[Token]] = []
    private var metrics: [Pooled] = []

    /// One metric of all sweeps so far.
    private struct Pooled {
        var baselines: [Double] = []
        var baseline = Moments()
        /// Of the differences, by variant.
        var variants: [Moments]
        var columns: [[Double]]
    }

    package init() {}

    /// - Throws: `ABORTED` where the model changed between the sweeps.
    package mutating func add(_ reply: SweepReply) throws(LensError) {
        if let first {
            guard first.fingerprint == reply.fingerprint, first.shape == reply.shape else {
                throw LensError(
                    .aborted,
                    "the model changed between the sweeps: fingerprint \(first.fingerprint), then \(reply.fingerprint)")
            }
        } else {
            first = reply
            metrics = reply.metrics.map { metric in
                Pooled(
                    variants: Array(repeating: Moments(), count: metric.values.count),
                    columns: Array(repeating: [], count: metric.values.count))
            }
        }
        tokens += reply.tokens
        for (index, metric) in reply.metrics.enumerated() where index < metrics.count {
            // What a mean is made of: predictions for the losses, prompts for the others.
            let isLoss = metric.metric.kind == .loss || metric.metric.kind == .tokenLoss
            let count = isLoss ? reply.predictionCount : reply.tokens.count
            metrics[index].baselines += metric.baselines
            metrics[index].baseline.add(count: count, mean: metric.baseline, standardError: 0)
            let width = metric.baselines.count
            for variant in metric.values.indices {
                metrics[index].variants[variant].add(
                    count: count, mean: metric.delta(of: variant), standardError: metric.standardErrors[variant])
                metrics[index].columns[variant] += metric.columns[variant * width..<(variant + 1) * width]
            }
        }
    }

    /// The one sweep that all of them make; `nil` where there was none.
    package var pooled: SweepReply? {
        guard var reply = first else { return nil }
        // A single sweep is passed on as it came; several have no single id.
        if reply.tokens.count == tokens.count { return reply }
        reply.runID = ""
        reply.tokens = tokens
        reply.metrics = zip(reply.metrics, metrics).map { metric, pooled in
            MetricValues(
                metric: metric.metric, baseline: pooled.baseline.mean, baselines: pooled.baselines,
                values: pooled.variants.map { pooled.baseline.mean + $0.mean },
                standardErrors: pooled.variants.map(\.standardError), columns: pooled.columns.flatMap { $0 })
        }
        return reply
    }
}

/// Count, mean and sum of squared deviations of a sample that grows part by part.
private struct Moments {
    private var count = 0.0
    private var runningMean = 0.0
    private var squares = 0.0

    /// NaN where nothing was added.
    var mean: Double { count > 0 ? runningMean : .nan }

    /// Of the mean; NaN for fewer than two values.
    var standardError: Double { count > 1 ? (squares / (count - 1) / count).squareRoot() : .nan }

    mutating func add(count added: Int, mean: Double, standardError: Double) {
        guard added > 0 else { return }
        let other = Double(added)
        let total = count + other
        let difference = mean - runningMean
        // se² = squares / (n − 1) / n
        let otherSquares = added > 1 ? standardError * standardError * (other - 1) * other : 0
        squares += otherSquares + difference * difference * count * other / total
        runningMean += difference * other / total
        count = total
    }
}
