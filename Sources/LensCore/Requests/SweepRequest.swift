/// Asks for a sweep over prompts.
public struct SweepRequest: Sendable {
    public var model: ModelReference
    public var session: String
    public var prompts: [Prompt]
    /// Edits under which everything runs, the unedited run of the comparison among it.
    public var interventions: [InterventionSpec]
    public var sweep: SweepSpec
    public var isRecorded: Bool

    public init(
        model: ModelReference, session: String = "default", prompts: [Prompt], interventions: [InterventionSpec] = [],
        sweep: SweepSpec, isRecorded: Bool = true
    ) {
        self.model = model
        self.session = session
        self.prompts = prompts
        self.interventions = interventions
        self.sweep = sweep
        self.isRecorded = isRecorded
    }

    /// Ablates every head in turn.
    ///
    /// - Parameter hook: the short name of the point that is ablated, per head; `z` is the usual one.
    public init(
        model: ModelReference, session: String = "default", prompts: [Prompt], action: AblationKind = .zero,
        hook: String = "z", isRecorded: Bool = true
    ) {
        self.init(
            model: model, session: session, prompts: prompts, sweep: .heads(action, hook: hook),
            isRecorded: isRecorded)
    }
}

/// Progress, then the result.
public enum SweepEvent: Sendable, Hashable {
    /// Edited sequences done of all.
    case progress(done: Int, total: Int)
    /// The reply, with the values of its variants still to come: ``MetricValues/values``, ``MetricValues/columns`` and
    /// ``MetricValues/standardErrors`` are empty.
    case header(SweepReply)
    /// Values of the next variants of one of the reply's metrics.
    case values(SweepPart)
}

/// The values of some variants, following those that came before of the same metric.
public struct SweepPart: Sendable, Hashable {
    /// Which of the reply's metrics.
    public var metric: Int
    public var values: [Double]
    public var standardErrors: [Double]
    /// `[variant, column]`
    public var columns: [Double]

    public init(metric: Int, values: [Double], standardErrors: [Double], columns: [Double]) {
        self.metric = metric
        self.values = values
        self.standardErrors = standardErrors
        self.columns = columns
    }
}

extension SweepReply {
    /// The reply in messages of a bounded size.
    ///
    /// - Parameter limit: numbers of one part, about.
    public func events(limit: Int = 1 << 16) -> [SweepEvent] {
        var header = self
        for index in header.metrics.indices {
            header.metrics[index].values = []
            header.metrics[index].standardErrors = []
            header.metrics[index].columns = []
        }
        var events: [SweepEvent] = [.header(header)]
        for (index, metric) in metrics.enumerated() {
            let width = metric.baselines.count
            let step = max(limit / (width + 2), 1)
            for start in stride(from: 0, to: metric.values.count, by: step) {
                let part = start..<min(start + step, metric.values.count)
                events.append(
                    .values(
                        SweepPart(
                            metric: index, values: Array(metric.values[part]),
                            standardErrors: Array(metric.standardErrors[part]),
                            columns: Array(metric.columns[part.lowerBound * width..<part.upperBound * width]))))
            }
        }
        return events
    }

    /// Takes the next values that come behind a header.
    ///
    /// - Throws: `INTERNAL` where they do not belong to it.
    public mutating func append(_ part: SweepPart) throws(LensError) {
        guard metrics.indices.contains(part.metric), part.values.count == part.standardErrors.count,
            part.columns.count == part.values.count * metrics[part.metric].baselines.count
        else {
            throw LensError(.internal, "values of metric \(part.metric) do not belong to the sweep")
        }
        metrics[part.metric].values += part.values
        metrics[part.metric].standardErrors += part.standardErrors
        metrics[part.metric].columns += part.columns
    }

    /// - Throws: `INTERNAL` where values are missing.
    public func checkComplete() throws(LensError) {
        var count = 1
        for size in shape {
            let (product, overflow) = count.multipliedReportingOverflow(by: size)
            guard !overflow else { throw LensError(.internal, "a sweep cannot have the axes \(shape)") }
            count = product
        }
        for metric in metrics where metric.values.count != count {
            throw LensError(.internal, "a sweep of \(count) variants ended after \(metric.values.count) values")
        }
    }
}
