/// Asks what every head of a model does over a corpus.
public struct HeadAtlasRequest: Sendable {
    public var model: ModelReference
    /// None means the daemon's own stories.
    public var prompts: [Prompt]
    /// `nil` ablates nothing.
    public var ablation: AblationKind?
    /// Token pairs per head, at most 64.
    public var pairCount: Int
    /// Adds a page for eyes.
    public var withPage: Bool
    /// Of the page; empty means one made from the model's name.
    public var title: String

    /// The most token pairs that are told of each head.
    public static let maximumPairs = 64

    public init(
        model: ModelReference, prompts: [Prompt] = [], ablation: AblationKind? = .zero, pairCount: Int = 8,
        withPage: Bool = false, title: String = ""
    ) {
        self.model = model
        self.prompts = prompts
        self.ablation = ablation
        self.pairCount = pairCount
        self.withPage = withPage
        self.title = title
    }
}

/// What comes back: progress, the atlas without its heads, the heads some at a time, the page in pieces.
public enum HeadAtlasEvent: Sendable {
    case progress(HeadAtlasPhase, done: Int, total: Int)
    case header(HeadAtlas)
    case heads([HeadProfile])
    case page([UInt8])
}

/// What an atlas is being made from, in this order.
public enum HeadAtlasPhase: String, Sendable, CaseIterable {
    case patterns, repeats, pairs, copying, ablation
}
