import LensCheckpoint
import LensCore

/// A model's `config.json` in the terms of `ModelConfiguration`.
public struct HuggingFaceConfiguration: Sendable {
    public let model: ModelConfiguration
    /// `bos_token_id`; `nil` where it is outside the vocabulary.
    public let bosTokenID: Int32?
    /// `eos_token_id`, the first where there are several; `nil` where it is outside the vocabulary.
    public let eosTokenID: Int32?
    /// What is odd about the file and no reason to refuse it.
    public let notices: [String]
    /// Where the family's checkpoints keep what the model needs.
    let parts: ModelParts<StoredPart>
    let family: any ModelFamily.Type

    /// The architectures that can be read, by the names of the entry `architectures`.
    public static var architectures: [String] { ModelFamilies.architectures }

    /// Reads a configuration.
    ///
    /// - Throws: `UNIMPLEMENTED` naming an architecture, an activation function or another choice that is not supported;
    ///   `INVALID_ARGUMENT` naming a key that is missing, of another type or out of its range.
    public init(reading file: NamedBytes) throws(LensError) {
        let keys = ConfigurationKeys(try file.object())
        family = try ModelFamilies.family(keys)
        model = try family.configuration(keys)
        try model.validate()
        parts = try family.parts(model, keys)
        var notices: [String] = []
        bosTokenID = try Self.token("bos_token_id", keys, dVocab: model.dVocab, &notices)
        eosTokenID = try Self.token("eos_token_id", keys, dVocab: model.dVocab, &notices)
        self.notices = notices
    }

    /// A class's default stays in the file of a small model that has no such token, and transformers only warns.
    private static func token(
        _ key: String, _ keys: ConfigurationKeys, dVocab: Int, _ notices: inout [String]
    ) throws(LensError) -> Int32? {
        guard let value = keys.optional(key) else { return nil }
        var ids: [Int] = []
        if value.kind == .array {
            try value.forEachElement { element throws(LensError) in
                if ids.isEmpty { ids.append(try element.integer(in: .min ... .max)) }
            }
        } else {
            ids.append(try value.integer(in: .min ... .max))
        }
        guard let id = ids.first else { return nil }
        guard (0..<dVocab).contains(id) else {
            notices.append("config.json: \(key) \(id) is outside the vocabulary of \(dVocab) tokens: taken for none")
            return nil
        }
        return Int32(id)
    }
}
