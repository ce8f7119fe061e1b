/// Asks for one self-contained HTML page of a prompt's attention patterns.
public struct AttentionPageRequest: Sendable, Hashable {
    public var model: ModelReference
    public var prompt: Prompt
    /// Adds what ablating each head does to the loss.
    public var withAblation: Bool
    public var action: AblationKind
    /// Empty for the page's own choice.
    public var title: String

    public init(
        model: ModelReference, prompt: Prompt, withAblation: Bool = false, action: AblationKind = .zero,
        title: String = ""
    ) {
        self.model = model
        self.prompt = prompt
        self.withAblation = withAblation
        self.action = action
        self.title = title
    }
}
