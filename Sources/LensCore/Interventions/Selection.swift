/// The part of an activation that an edit means; `nil` is all of an axis.
public struct Selection: Sendable, Hashable {
    /// Prompts of the run.
    public var prompts: Indices?
    public var heads: Indices?
    /// Positions; of scores and patterns the destinations.
    public var positions: Indices?
    /// Source positions of scores and patterns.
    public var sources: Indices?
    /// Entries of the innermost axis: neurons, residual dimensions, vocabulary.
    public var components: Indices?

    public init(
        prompts: Indices? = nil, heads: Indices? = nil, positions: Indices? = nil, sources: Indices? = nil,
        components: Indices? = nil
    ) {
        self.prompts = prompts
        self.heads = heads
        self.positions = positions
        self.sources = sources
        self.components = components
    }

    public static let all = Selection()

    /// What is chosen of one axis of a hook point.
    public subscript(axis: HookKind.Axis) -> Indices? {
        switch axis {
        case .head, .keyHead: heads
        case .pos: positions
        case .sourcePos: sources
        case .dHead, .dModel, .dMLP, .vocab, .one: components
        }
    }
}

extension Selection: CustomStringConvertible {
    /// As it is written in an edit: ` head=8 pos=-1`, with a space before each word.
    public var description: String {
        let words = [
            ("prompt", prompts), ("head", heads), ("pos", positions), ("source", sources), ("component", components),
        ]
        return words.map { word, indices in indices.map { " \(word)=\($0)" } ?? "" }.joined()
    }
}
