/// A resident model as its users see it.
public struct ModelDescription: Sendable, Equatable {
    /// The registered name; the form without weight processing is asked for as `NAME@raw`.
    public var name: String
    public var configuration: ModelConfiguration
    /// SHA-256 of the weights and the configuration, in hexadecimal.
    public var fingerprint: String
    /// Bytes that the weights occupy in memory, shared by both forms.
    public var weightBytes: Int
    public var parameterCount: Int
    /// Whether this is the model that a request without a name gets.
    public var isDefault: Bool
    /// The id that `prepend_bos` puts in front; `nil` where the tokenizer has none.
    public var bosTokenID: Int32?

    public init(
        name: String, configuration: ModelConfiguration, fingerprint: String, weightBytes: Int, parameterCount: Int,
        isDefault: Bool, bosTokenID: Int32?
    ) {
        self.name = name
        self.configuration = configuration
        self.fingerprint = fingerprint
        self.weightBytes = weightBytes
        self.parameterCount = parameterCount
        self.isDefault = isDefault
        self.bosTokenID = bosTokenID
    }
}
