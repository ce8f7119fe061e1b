import LensCore

/// A family of checkpoints in the Hugging Face layout: how its `config.json` reads as a ``ModelConfiguration``, and where
/// its tensors are what ``ModelParts`` names.
///
/// A family is one small file; ``ModelFamilies`` lists them. What the forward pass does follows from the configuration
/// alone: it knows no families.
protocol ModelFamily: Sendable {
    /// The entries of `architectures` that mean this family.
    static var architectures: [String] { get }
    /// What the names of newer checkpoints begin with and those of older ones lack, such as `transformer.`.
    static var prefix: String { get }

    /// Reads `config.json`.
    ///
    /// - Throws: `UNIMPLEMENTED` naming what is not supported, `INVALID_ARGUMENT` naming the key that is wrong.
    static func configuration(_ keys: ConfigurationKeys) throws(LensError) -> ModelConfiguration

    /// Where each part of a model of this configuration is.
    static func parts(_ c: ModelConfiguration, _ keys: ConfigurationKeys) throws(LensError) -> ModelParts<StoredPart>

    /// Tensors of a layer that older versions of transformers saved and that are constants, not parameters.
    static func buffers(layer: Int) -> [String]

    /// The names of an unembedding that some files have beside the embedding that it is.
    static var tiedHead: [String] { get }
}

extension ModelFamily {
    static var prefix: String { "" }
    static func buffers(layer: Int) -> [String] { [] }
    static var tiedHead: [String] { ["lm_head.weight"] }
}
