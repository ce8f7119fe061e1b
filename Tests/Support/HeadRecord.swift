import FoundationEssentials

/// What TransformerLens's `detect_head` says of one checkpoint and text.
package struct HeadRecord: Decodable {
    package let checkpoint: String
    package let tokens: [Int32]
    package let head: String
    /// Layer by layer, head by head.
    package let scores: [Double]

    private enum Keys: String, CodingKey {
        case checkpoint, tokens, head, scores
        case errorMeasure = "error_measure"
        case excludeBOS = "exclude_bos"
        case excludeCurrentToken = "exclude_current_token"
    }

    private let isDefault: Bool

    package init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: Keys.self)
        checkpoint = try values.decode(String.self, forKey: .checkpoint)
        tokens = try values.decode([Int32].self, forKey: .tokens)
        head = try values.decode(String.self, forKey: .head)
        scores = try values.decode([[Double?]].self, forKey: .scores).flatMap { $0 }.map { $0 ?? .nan }
        isDefault =
            try values.decode(String.self, forKey: .errorMeasure) == "mul"
            && !values.decode(Bool.self, forKey: .excludeBOS)
            && !values.decode(Bool.self, forKey: .excludeCurrentToken)
    }

    /// The records with the error measure `mul` and nothing excluded.
    package static func defaults() throws -> [HeadRecord] {
        let bytes = try Fixtures.bytes("heads/reference.json")
        return try JSONDecoder().decode([HeadRecord].self, from: Data(bytes)).filter(\.isDefault)
    }
}
