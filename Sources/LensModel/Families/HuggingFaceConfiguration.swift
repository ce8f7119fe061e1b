import LensCheckpoint
import LensCore

/// A model's `config.json` in the terms of `ModelConfiguration`.
public struct HuggingFaceConfiguration: Sendable {
    public let model: ModelConfiguration
    /// `bos_token_id`, below the vocabulary's size.
    public let bosTokenID: Int32?
    /// `eos_token_id`, the first where there are several, below the vocabulary's size.
    public let eosTokenID: Int32?
    /// Where the family's checkpoints keep what the model needs.
    let parts: ModelParts<StoredPart>
    let family: any ModelFamily.Type

    /// The architectures that can be read, by the names of the entry `architectures`.
    public static var architectures: [String] { ModelFamilies.architectures }

    /// Reads a configuration.
    ///
    /// - Throws: `UNIMPLEMENTED` naming an architecture, an activation function or another choice that is not supported;
    ///   `INVALID_ARGUMENT` naming a key that is missing, of another type or out of its range.
    public init(reading file: JSONFile) throws(LensError) {
        let keys = ConfigurationKeys(try file.object())
        family = try ModelFamilies.family(keys)
        model = try family.configuration(keys)
        try model.validate()
        parts = try family.parts(model, keys)
        bosTokenID = try Self.token("bos_token_id", keys, dVocab: model.dVocab)
        eosTokenID = try Self.token("eos_token_id", keys, dVocab: model.dVocab)
    }

    private static func token(_ key: String, _ keys: ConfigurationKeys, dVocab: Int) throws(LensError) -> Int32? {
        guard let value = keys.optional(key) else { return nil }
        guard value.kind == .array else { return Int32(try value.integer(in: 0...dVocab - 1)) }
        var first: Int32?
        try value.forEachElement { element throws(LensError) in
            let id = Int32(try element.integer(in: 0...dVocab - 1))
            if first == nil { first = id }
        }
        return first
    }
}
