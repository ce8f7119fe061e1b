public import LensCore

extension LensConnection {
    /// The id of the one token that a text is.
    ///
    /// - Throws: `INVALID_ARGUMENT` that shows the pieces where it is several.
    public func singleToken(_ text: String, model: ModelReference) async throws(LensError) -> Int32 {
        let reply = try await tokenize(TokenizeRequest(model: model, prompts: [.text(text, prependBOS: false)]))
        let tokens = reply.tokens.first ?? []
        guard tokens.count == 1, let token = tokens.first else {
            let pieces = tokens.map { "'\($0.text)'" }.joined(separator: " ")
            throw .invalidArgument(
                "expected a single token; '\(text)' is \(tokens.count): \(pieces) (most words begin with a space)")
        }
        return token.id
    }
}
