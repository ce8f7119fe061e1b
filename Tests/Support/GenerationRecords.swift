import FoundationEssentials

/// What transformers and TransformerLens generate greedily from one prompt.
package struct GreedyRecord: Decodable, Sendable {
    /// A checkpoint's folder, or `tinytales-1l`.
    package let model: String
    package let prompt: [Int32]
    /// The prompt's and the new ones.
    package let tokens: [Int32]
    /// Of the new tokens.
    package let logprobs: [Float]

    package static func all() throws -> [GreedyRecord] {
        try JSONDecoder().decode([GreedyRecord].self, from: Data(Fixtures.bytes("generation/greedy.json")))
    }

    /// The model's folder, as ``Fixtures/folder(_:)`` takes it.
    package var folder: String { model == "tinytales-1l" ? "../../Models/tinytales-1l" : model }
}

/// What the filters of transformers and TransformerLens leave of some logits.
package struct FilterRecord: Decodable, Sendable {
    package let temperature: Double
    package let topK: Int?
    package let topP: Double?
    package let frequencyPenalty: Double
    /// What has come so far.
    package let tokens: [Int32]
    package let logits: [Float]
    package let probabilities: [Float]

    private enum CodingKeys: String, CodingKey {
        case temperature, tokens, logits, probabilities
        case topK = "top_k"
        case topP = "top_p"
        case frequencyPenalty = "freq_penalty"
    }

    package static func all() throws -> [FilterRecord] {
        try JSONDecoder().decode([FilterRecord].self, from: Data(Fixtures.bytes("generation/filters.json")))
    }
}
