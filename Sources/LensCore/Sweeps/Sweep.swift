/// A sweep held against a model: points instead of names, other passes by what they are made from.
public struct Sweep: Sendable, Hashable {
    public var edits: [Edit]
    public var axes: [SweepAxis]
    public var isPaired: Bool
    public var metrics: [Metric]
    public var path: Path?

    /// An edit that moves along the sweep's axes.
    public struct Edit: Sendable, Hashable {
        public var kind: HookKind
        /// Where it is made; empty for a point outside the blocks.
        public var layers: [Int]
        public var action: Intervention.Action
        public var selection: Selection

        public init(kind: HookKind, layers: [Int], action: Intervention.Action, selection: Selection = .all) {
            self.kind = kind
            self.layers = layers
            self.action = action
            self.selection = selection
        }
    }

    public struct Path: Sendable, Hashable {
        public var receivers: [Receiver]
        public var holdsMLPs: Bool

        public init(receivers: [Receiver], holdsMLPs: Bool) {
            self.receivers = receivers
            self.holdsMLPs = holdsMLPs
        }
    }

    public struct Receiver: Sendable, Hashable {
        public var point: HookPoint
        public var selection: Selection

        public init(point: HookPoint, selection: Selection) {
            self.point = point
            self.selection = selection
        }
    }

    public init(
        edits: [Edit], axes: [SweepAxis], isPaired: Bool = false, metrics: [Metric] = [.loss], path: Path? = nil
    ) {
        self.edits = edits
        self.axes = axes
        self.isPaired = isPaired
        self.metrics = metrics
        self.path = path
    }
}

extension Sweep {
    /// Every head in turn.
    ///
    /// - Parameter layers: how many the model has.
    public static func heads(_ action: AblationKind, at kind: HookKind, layers: Int) -> Sweep {
        let edit = Edit(kind: kind, layers: Array(0..<layers), action: action == .zero ? .zero : .mean)
        return Sweep(edits: [edit], axes: [.layer, .head])
    }
}
