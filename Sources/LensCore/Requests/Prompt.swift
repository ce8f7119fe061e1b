/// What a user wants run: text, or tokens as they are.
public enum Prompt: Sendable, Hashable {
    /// Text for the model's tokenizer; `prependBOS` is true where the user said nothing.
    case text(String, prependBOS: Bool)
    /// Token ids; nothing is put in front.
    case tokens([Int32])
}

/// A token with its text, as replies echo what was run.
///
/// The text of a token that is only a part of a character shows U+FFFD, as `tokenizers` decodes it.
public struct Token: Sendable, Hashable {
    public let id: Int32
    public let text: String

    public init(id: Int32, text: String) {
        self.id = id
        self.text = text
    }
}
