/// What an edit does to the selected part of an activation. `Source` says how another pass is named.
///
/// This is the closed list for all clients; each has one word, see ``name``.
public enum InterventionAction<Source: Sendable & Hashable>: Sendable, Hashable {
    case zero
    /// Replaced by the mean over all positions of the same sequence.
    case mean
    /// Replaced by the mean over all positions of another pass, its own heads and components.
    case meanOf(Source)
    /// Replaced by values.
    case set(Operand)
    case add(Operand)
    case scale(Float)
    /// Replaced by what another pass has at the same point; negative positions count from each one's own end.
    ///
    /// - Parameters:
    ///   - prompt: which prompt of the other pass; `nil` takes its only one, or the one of the same number.
    ///   - positions: where the values for the selected positions stand in the other pass; `nil` means at the same
    ///     positions.
    case patch(Source, prompt: Int?, positions: Indices?)
    /// Exchanged with the same part of another prompt of the run.
    case swap(prompt: Int)
    /// The direction's share taken out: `x − (x · d / d · d) d`. The direction spans the innermost axis.
    case project(Operand)
    /// Scores set to −∞, pattern to zero: the destinations do not see the sources.
    case mask

    /// The word that all clients use.
    public var name: String {
        switch self {
        case .zero: "zero"
        case .mean, .meanOf: "mean"
        case .set: "set"
        case .add: "add"
        case .scale: "scale"
        case .patch: "patch"
        case .swap: "swap"
        case .project: "project"
        case .mask: "mask"
        }
    }

    /// The other pass that values come from.
    public var source: Source? {
        switch self {
        case .meanOf(let source), .patch(let source, _, _): source
        default: nil
        }
    }
}

/// An edit of one activation during a pass. Edits at one point apply in the order in which they are given.
public struct Intervention: Sendable, Hashable {
    /// Other passes are known by what they were made from.
    public typealias Action = InterventionAction<Recipe>

    public var point: HookPoint
    public var action: Action
    public var selection: Selection

    public init(point: HookPoint, action: Action, selection: Selection = .all) {
        self.point = point
        self.action = action
        self.selection = selection
    }
}

/// An edit as a client writes it: the hook point still by name, other passes by run or prompts.
public struct InterventionSpec: Sendable, Hashable {
    public enum Source: Sendable, Hashable {
        /// An id, a unique prefix of one, or `last`; looked up among the caller's own runs.
        case run(String)
        case prompts([Prompt])
    }

    public typealias Action = InterventionAction<Source>

    /// A point's name or short form; a short name without a layer together with ``layers``.
    public var hook: String
    /// The layers that are edited, where ``hook`` names none.
    public var layers: Indices?
    public var action: Action
    public var selection: Selection

    public init(hook: String, layers: Indices? = nil, action: Action, selection: Selection = .all) {
        self.hook = hook
        self.layers = layers
        self.action = action
        self.selection = selection
    }
}
