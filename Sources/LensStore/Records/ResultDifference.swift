import LensCore

/// How far two results of one question are from each other.
public struct ResultDifference: Sendable, Hashable {
    /// The largest |Δ| of a loss, in nats; NaN where there is none to compare.
    public private(set) var loss = Double.nan
    /// The largest |Δ| of any number; NaN where there is none to compare.
    public private(set) var largest = Double.nan
    /// Every number is within 1e-5 + 1e-5·|x| of the first one, x, and everything else equal.
    public private(set) var isNone = true
    /// What differs beside numbers; empty where nothing does.
    public private(set) var remark = ""

    /// - Parameters:
    ///   - recorded: the first one.
    ///   - found: the second one.
    public init(_ recorded: RunResult, _ found: RunResult) {
        switch (recorded, found) {
        case (.run(let recorded), .run(let found)): compare(recorded, found)
        case (.sweep(let recorded, _), .sweep(let found, _)): compare(recorded, found)
        case (.generation(let recorded), .generation(let found)): compare(recorded, found)
        default: differ("it is of another kind")
        }
    }

    private mutating func compare(_ recorded: RunReply, _ found: RunReply) {
        compareLosses([recorded.loss], [found.loss])
        guard recorded.prompts.count == found.prompts.count else { return differ("it has other prompts") }
        for (recorded, found) in zip(recorded.prompts, found.prompts) {
            compareLosses([recorded.loss], [found.loss])
            compareLosses(recorded.perTokenLoss.map(Double.init), found.perTokenLoss.map(Double.init))
            // By token: what is all but equally likely may change places.
            let logprobs = Dictionary(found.top.map { ($0.token.id, $0.logprob) }) { first, _ in first }
            for prediction in recorded.top {
                guard let logprob = logprobs[prediction.token.id] else {
                    differ("its likeliest next tokens are others")
                    continue
                }
                compare([Double(prediction.logprob)], [Double(logprob)])
            }
        }
    }

    private mutating func compare(_ recorded: SweepReply, _ found: SweepReply) {
        guard recorded.axes == found.axes, recorded.metrics.map(\.metric) == found.metrics.map(\.metric) else {
            return differ("it goes along other places")
        }
        for (recorded, found) in zip(recorded.metrics, found.metrics) {
            let isLoss = recorded.metric.kind == .loss || recorded.metric.kind == .tokenLoss
            for (first, second) in [
                ([recorded.baseline], [found.baseline]), (recorded.baselines, found.baselines),
                (recorded.values, found.values), (recorded.columns, found.columns),
            ] {
                if isLoss { compareLosses(first, second) } else { compare(first, second) }
            }
        }
    }

    private mutating func compare(_ recorded: GenerateReply, _ found: GenerateReply) {
        guard recorded.prompts.count == found.prompts.count else { return differ("it has other prompts") }
        for (recorded, found) in zip(recorded.prompts, found.prompts) {
            let (first, second) = (recorded.tokens.map(\.id), found.tokens.map(\.id))
            let same = zip(first, second).prefix { $0 == $1 }.count
            if first != second { differ("the text goes another way at token \(same)") }
            // Behind the first other token nothing is the same question.
            let count = max(same - recorded.promptLength, 0)
            compareLosses(
                recorded.logprobs.prefix(count).map(Double.init), found.logprobs.prefix(count).map(Double.init))
        }
    }

    // MARK: - Numbers

    private mutating func compareLosses(_ recorded: [Double], _ found: [Double]) {
        loss = Self.larger(loss, compare(recorded, found))
    }

    @discardableResult
    private mutating func compare(_ recorded: [Double], _ found: [Double]) -> Double {
        guard recorded.count == found.count else {
            differ("it has \(found.count) numbers instead of \(recorded.count)")
            return .nan
        }
        var furthest = Double.nan
        for (recorded, found) in zip(recorded, found) {
            if recorded == found || recorded.isNaN && found.isNaN {
                furthest = Self.larger(furthest, 0)
                continue
            }
            let difference = (found - recorded).magnitude
            guard difference.isFinite else {
                differ("a number is none any more, or one now")
                continue
            }
            furthest = Self.larger(furthest, difference)
            if difference > 1e-5 + 1e-5 * recorded.magnitude { isNone = false }
        }
        largest = Self.larger(largest, furthest)
        return furthest
    }

    private mutating func differ(_ what: String) {
        isNone = false
        if remark.isEmpty { remark = what }
    }

    /// The larger of two, where NaN is none.
    private static func larger(_ first: Double, _ second: Double) -> Double {
        first.isNaN ? second : second.isNaN ? first : max(first, second)
    }
}
