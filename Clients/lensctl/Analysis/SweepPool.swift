import LensCore

/// Several sweeps over different prompts as if they had been one.
///
/// Means and variances are pooled over the predictions by the formula of Chan, Golub and LeVeque (1979), which is exact
/// whatever the sizes of the parts.
package struct SweepPool: Sendable {
    private var first: SweepReply?
    private var tokens: [[Token]] = []
    private var baselineLosses: [Double] = []
    private var baseline = Moments()
    private var heads: [Moments] = []
    private var promptDeltas: [[Double]] = []

    package init() {}

    /// - Throws: `ABORTED` where the model changed between the sweeps.
    package mutating func add(_ reply: SweepReply) throws(LensError) {
        if let first {
            guard first.fingerprint == reply.fingerprint, first.heads.count == reply.heads.count else {
                throw LensError(
                    .aborted,
                    "the model changed between the sweeps: fingerprint \(first.fingerprint), then \(reply.fingerprint)")
            }
        } else {
            first = reply
            heads = [Moments](repeating: Moments(), count: reply.heads.count)
            promptDeltas = [[Double]](repeating: [], count: reply.heads.count)
        }
        tokens += reply.tokens
        baselineLosses += reply.baselineLosses
        let count = reply.tokens.reduce(0) { $0 + max($1.count - 1, 0) }
        baseline.add(count: count, mean: reply.baselineLoss, standardError: 0)
        for (index, effect) in reply.heads.enumerated() {
            heads[index].add(count: count, mean: effect.delta, standardError: effect.standardError)
            promptDeltas[index] += effect.promptDeltas
        }
    }

    /// The one sweep that all of them make; `nil` where there was none.
    package var pooled: SweepReply? {
        guard var reply = first else { return nil }
        // A single sweep is passed on as it came; several have no single id.
        if reply.tokens.count == tokens.count { return reply }
        reply.runID = ""
        reply.tokens = tokens
        reply.baselineLosses = baselineLosses
        reply.baselineLoss = baseline.mean
        for index in reply.heads.indices {
            reply.heads[index].delta = heads[index].mean
            reply.heads[index].loss = baseline.mean + heads[index].mean
            reply.heads[index].standardError = heads[index].standardError
            reply.heads[index].promptDeltas = promptDeltas[index]
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
