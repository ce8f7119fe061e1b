/// One edit in many places, each alone: what is edited, along which axes it moves, and what is read off each time.
///
/// A sweep as a client writes it; ``Sweep`` is the same held against a model.
public struct SweepSpec: Sendable, Hashable {
    /// Made together in every variant. Each edit's layers and selection say what there is of the axes it moves along
    /// (all, where they say nothing) and what is edited of the others.
    public var edits: [InterventionSpec]
    /// Outermost first; none makes a single variant.
    public var axes: [SweepAxis]
    /// Every two places together instead of each alone; a place with itself is the place alone.
    public var isPaired: Bool
    public var metrics: [Metric]
    /// Only what reaches the receivers on direct paths counts; `nil` lets the edit act as it does.
    public var path: Path?

    /// Path patching as in the IOI paper (Wang et al. 2022): in a first pass the edit acts while the attention of all
    /// later layers is held at the unedited run's, and what the receivers get is noted; in a second pass, otherwise
    /// unedited, the receivers get that.
    public struct Path: Sendable, Hashable {
        /// Parts of activations; none means the logits.
        public var receivers: [Receiver]
        /// Whether the MLPs behind the edit are held too.
        public var holdsMLPs: Bool

        public init(receivers: [Receiver] = [], holdsMLPs: Bool = false) {
            self.receivers = receivers
            self.holdsMLPs = holdsMLPs
        }
    }

    /// What a path ends at, such as the queries of some heads.
    public struct Receiver: Sendable, Hashable {
        /// A point's name or short form; a short name without a layer together with ``layers``.
        public var hook: String
        public var layers: Indices?
        public var selection: Selection

        public init(hook: String, layers: Indices? = nil, selection: Selection = .all) {
            self.hook = hook
            self.layers = layers
            self.selection = selection
        }
    }

    public init(
        edits: [InterventionSpec], axes: [SweepAxis], isPaired: Bool = false, metrics: [Metric] = [.loss],
        path: Path? = nil
    ) {
        self.edits = edits
        self.axes = axes
        self.isPaired = isPaired
        self.metrics = metrics
        self.path = path
    }

    /// Every head in turn.
    ///
    /// - Parameter hook: the short name of a point with heads.
    public static func heads(_ action: AblationKind, hook: String = "z") -> SweepSpec {
        let edit = InterventionSpec(hook: hook, layers: .every, action: action.intervention)
        return SweepSpec(edits: [edit], axes: [.layer, .head])
    }
}

extension Indices {
    /// The whole axis.
    public static var every: Indices { .range(start: nil, stop: nil, step: 1) }
}

extension AblationKind {
    public var intervention: InterventionSpec.Action { self == .zero ? .zero : .mean }
}
