/// What ablating one head did to the loss.
public struct HeadEffect: Sendable, Hashable {
    public var layer: Int
    public var head: Int
    /// Mean loss over all predictions of all prompts with the head ablated, in nats.
    public var loss: Double
    /// `loss` minus the baseline's.
    public var delta: Double
    /// Standard error of `delta`, paired over the predictions; NaN with fewer than two predictions.
    public var standardError: Double
    /// `delta` for each prompt alone.
    public var promptDeltas: [Double]

    public init(
        layer: Int, head: Int, loss: Double, delta: Double, standardError: Double, promptDeltas: [Double]
    ) {
        self.layer = layer
        self.head = head
        self.loss = loss
        self.delta = delta
        self.standardError = standardError
        self.promptDeltas = promptDeltas
    }
}

/// A sweep over heads, read as what each does to the loss.
extension SweepReply {
    /// The first of a kind; `nil` where it was not asked for.
    public func values(of kind: Metric.Kind) -> MetricValues? { metrics.first { $0.metric.kind == kind } }

    /// Mean over all predictions of all prompts; NaN where there is none.
    public var baselineLoss: Double { values(of: .loss)?.baseline ?? .nan }
    /// Per prompt.
    public var baselineLosses: [Double] { values(of: .loss)?.baselines ?? [] }

    /// Layer by layer, head by head; empty for a sweep over something else.
    public var heads: [HeadEffect] {
        guard axes.map(\.axis) == [.layer, .head], !isPaired, let losses = values(of: .loss) else { return [] }
        var effects: [HeadEffect] = []
        for layer in axes[0].entries {
            for head in axes[1].entries {
                let variant = effects.count
                effects.append(
                    HeadEffect(
                        layer: layer, head: head, loss: losses.values[variant], delta: losses.delta(of: variant),
                        standardError: losses.standardErrors[variant], promptDeltas: losses.deltas(of: variant)))
            }
        }
        return effects
    }
}

extension SweepReply {
    /// A sweep over heads, put together from its effects; a head that has none is NaN.
    public init(
        runID: String, model: String, form: ModelReference.Form, fingerprint: String, action: AblationKind,
        hook: String, tokens: [[Token]], baselineLoss: Double, baselineLosses: [Double], heads: [HeadEffect]
    ) {
        let layers = Set(heads.map(\.layer)).sorted()
        let numbers = Set(heads.map(\.head)).sorted()
        let width = baselineLosses.count
        let count = layers.count * numbers.count
        var losses = MetricValues(
            metric: .loss, baseline: baselineLoss, baselines: baselineLosses,
            values: Array(repeating: .nan, count: count), standardErrors: Array(repeating: .nan, count: count),
            columns: Array(repeating: .nan, count: count * width))
        for effect in heads {
            guard let layer = layers.firstIndex(of: effect.layer), let head = numbers.firstIndex(of: effect.head)
            else { continue }
            let variant = layer * numbers.count + head
            losses.values[variant] = effect.loss
            losses.standardErrors[variant] = effect.standardError
            for (column, (baseline, delta)) in zip(baselineLosses, effect.promptDeltas).enumerated() {
                losses.columns[variant * width + column] = baseline + delta
            }
        }
        self.init(
            runID: runID, model: model, form: form, fingerprint: fingerprint, action: action.rawValue, hooks: [hook],
            axes: [Axis(.layer, entries: layers), Axis(.head, entries: numbers)], isPaired: false, tokens: tokens,
            metrics: [losses])
    }
}
