/// Asks which tokens a prompt becomes, or what text tokens stand for. Nothing is run.
public struct TokenizeRequest: Sendable {
    public var model: ModelReference
    public var prompts: [Prompt]

    public init(model: ModelReference, prompts: [Prompt]) {
        self.model = model
        self.prompts = prompts
    }
}

public struct TokenizeReply: Sendable {
    public var model: String
    /// Per prompt; empty text gives `[]` or `[BOS]`.
    public var tokens: [[Token]]
    /// Per prompt, the tokens decoded together.
    public var texts: [String]

    public init(model: String, tokens: [[Token]], texts: [String]) {
        self.model = model
        self.tokens = tokens
        self.texts = texts
    }
}
