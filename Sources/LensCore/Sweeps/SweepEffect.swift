/// What one variant of a sweep did, for lists.
public struct SweepEffect: Sendable, Hashable {
    /// Such as `L0H3` or `L1@4`; a pair's two are joined by `+`.
    public var place: String
    /// The metric with the edit, less without.
    public var delta: Double

    public init(place: String, delta: Double) {
        self.place = place
        self.delta = delta
    }
}

extension SweepReply {
    /// The variants that did most to the first metric, strongest first; those without a number are none.
    ///
    /// A pair is named once, and a place with itself is the place alone.
    public func strongestEffects(_ count: Int) -> [SweepEffect] {
        guard let metric = metrics.first else { return [] }
        let places = placeCount
        let found = metric.values.indices.compactMap { variant -> (variant: Int, delta: Double)? in
            let delta = metric.delta(of: variant)
            guard delta.isFinite, !isPaired || variant / max(places, 1) <= variant % max(places, 1) else { return nil }
            return (variant, delta)
        }
        // Equal ones stay in order.
        return found.sorted { ($1.delta.magnitude, $0.variant) < ($0.delta.magnitude, $1.variant) }.prefix(count)
            .map { SweepEffect(place: label(ofVariant: $0.variant), delta: $0.delta) }
    }

    /// How many places the axes have; of a paired sweep those of one of the two.
    private var placeCount: Int { axes.reduce(1) { $0 * $1.entries.count } }

    private func label(ofVariant variant: Int) -> String {
        guard isPaired else { return axes.label(ofPlace: variant) }
        let (first, second) = (variant / max(placeCount, 1), variant % max(placeCount, 1))
        let label = axes.label(ofPlace: first)
        return first == second ? label : "\(label)+\(axes.label(ofPlace: second))"
    }
}

extension [SweepReply.Axis] {
    /// `L0H3`, `L1@4`: a place along these axes, counted row-major.
    public func label(ofPlace place: Int) -> String {
        var rest = place
        var parts: [String] = []
        for axis in reversed() {
            let count = Swift.max(axis.entries.count, 1)
            let entry = axis.entries.isEmpty ? 0 : axis.entries[rest % count]
            parts.append(axis.axis.mark + String(entry))
            rest /= count
        }
        return parts.reversed().joined()
    }
}

extension SweepAxis {
    /// How an entry of the axis is marked in a label.
    public var mark: String {
        switch self {
        case .layer: "L"
        case .head: "H"
        case .position: "@"
        case .source: "<"
        case .component: "N"
        }
    }
}
