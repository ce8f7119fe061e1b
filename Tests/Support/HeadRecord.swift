import FoundationEssentials

/// What TransformerLens's `detect_head` says of one checkpoint and text.
package struct HeadRecord: Decodable {
    package let checkpoint: String
    package let tokens: [Int32]
    package let head: String
    /// Layer by layer, head by head.
    package let scores: [Double]

    package let errorMeasure: String
    package let excludesBOS: Bool
    package let excludesCurrentToken: Bool

    private enum Keys: String, CodingKey {
        case checkpoint, tokens, head, scores
        case errorMeasure = "error_measure"
        case excludeBOS = "exclude_bos"
        case excludeCurrentToken = "exclude_current_token"
    }

    private var isDefault: Bool { errorMeasure == "mul" && !excludesBOS && !excludesCurrentToken }

    package init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: Keys.self)
        checkpoint = try values.decode(String.self, forKey: .checkpoint)
        tokens = try values.decode([Int32].self, forKey: .tokens)
        head = try values.decode(String.self, forKey: .head)
        scores = try values.decode([[Double?]].self, forKey: .scores).flatMap { $0 }.map { $0 ?? .nan }
        errorMeasure = try values.decode(String.self, forKey: .errorMeasure)
        excludesBOS = try values.decode(Bool.self, forKey: .excludeBOS)
        excludesCurrentToken = try values.decode(Bool.self, forKey: .excludeCurrentToken)
    }

    /// Every record: kinds, measures and exclusions of some texts.
    package static func all() throws -> [HeadRecord] {
        try JSONDecoder().decode([HeadRecord].self, from: Data(Fixtures.bytes("heads/reference.json")))
    }

    /// The records with the error measure `mul` and nothing excluded.
    package static func defaults() throws -> [HeadRecord] { try all().filter(\.isDefault) }
}
