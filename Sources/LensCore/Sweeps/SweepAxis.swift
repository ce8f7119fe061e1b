/// What a sweep's edit is moved along: each entry of the axis is edited alone.
public enum SweepAxis: String, Sendable, CaseIterable {
    case layer
    case head
    /// Positions; of scores and patterns the destinations.
    case position = "pos"
    /// Source positions of scores and patterns.
    case source
    /// Entries of the innermost axis: neurons, residual dimensions.
    case component
}

extension Selection {
    /// What is chosen of an axis that a sweep moves along; a selection has no layers.
    public subscript(axis: SweepAxis) -> Indices? {
        get {
            switch axis {
            case .layer: nil
            case .head: heads
            case .position: positions
            case .source: sources
            case .component: components
            }
        }
        set {
            switch axis {
            case .layer: break
            case .head: heads = newValue
            case .position: positions = newValue
            case .source: sources = newValue
            case .component: components = newValue
            }
        }
    }
}
