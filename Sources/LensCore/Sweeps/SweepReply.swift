/// What a sweep found.
public struct SweepReply: Sendable, Hashable {
    /// Id under which the sweep stands in the session; empty where it was not recorded.
    public var runID: String
    public var model: String
    public var form: ModelReference.Form
    public var fingerprint: String
    /// The action's word, such as `zero`.
    public var action: String
    /// The short or full names of the points that were edited together.
    public var hooks: [String]
    /// Of a single place, outermost first. A paired sweep's values go over these axes twice.
    public var axes: [Axis]
    public var isPaired: Bool
    /// Per prompt, as run.
    public var tokens: [[Token]]
    public var metrics: [MetricValues]

    public struct Axis: Sendable, Hashable {
        public var axis: SweepAxis
        /// What each entry is, counted from the front; of positions in the first prompt.
        public var entries: [Int]

        public init(_ axis: SweepAxis, entries: [Int]) {
            self.axis = axis
            self.entries = entries
        }
    }

    public init(
        runID: String, model: String, form: ModelReference.Form, fingerprint: String, action: String, hooks: [String],
        axes: [Axis], isPaired: Bool, tokens: [[Token]], metrics: [MetricValues]
    ) {
        self.runID = runID
        self.model = model
        self.form = form
        self.fingerprint = fingerprint
        self.action = action
        self.hooks = hooks
        self.axes = axes
        self.isPaired = isPaired
        self.tokens = tokens
        self.metrics = metrics
    }

    /// The shape of ``MetricValues/values``, row-major.
    public var shape: [Int] {
        let sizes = axes.map(\.entries.count)
        return isPaired ? sizes + sizes : sizes
    }

    /// What was done where, in short: `zero of z over layer, head`; a plain ablation of heads is `zero of z`.
    public var summary: String {
        let names = axes.map(\.axis)
        let over =
            names == [.layer, .head] || names.isEmpty ? "" : " over \(names.map(\.rawValue).joined(separator: ", "))"
        return "\(action) of \(hooks.joined(separator: "+"))\(over)\(isPaired ? " in pairs" : "")"
    }

    /// Over all prompts.
    public var predictionCount: Int { tokens.reduce(0) { $0 + max($1.count - 1, 0) } }
}

/// One metric of a sweep. A column is a prompt, or of ``Metric/Kind/tokenLoss`` a prediction, prompt after prompt.
public struct MetricValues: Sendable, Hashable {
    public var metric: Metric
    /// Of the unedited run. For the losses the mean over all predictions, for others over the prompts; NaN where there
    /// is none.
    public var baseline: Double
    /// One per column.
    public var baselines: [Double]
    /// Per variant, the mean as for the baseline.
    public var values: [Double]
    /// Of `value − baseline`, paired over the predictions (losses) or the prompts (others); NaN with fewer than two.
    public var standardErrors: [Double]
    /// `[variant, column]`
    public var columns: [Double]

    public init(
        metric: Metric, baseline: Double, baselines: [Double], values: [Double], standardErrors: [Double],
        columns: [Double]
    ) {
        self.metric = metric
        self.baseline = baseline
        self.baselines = baselines
        self.values = values
        self.standardErrors = standardErrors
        self.columns = columns
    }

    /// What the edit did.
    public func delta(of variant: Int) -> Double { values[variant] - baseline }

    /// What the edit did, column by column.
    public func deltas(of variant: Int) -> [Double] {
        let first = variant * baselines.count
        return zip(columns[first..<first + baselines.count], baselines).map { $0 - $1 }
    }
}
