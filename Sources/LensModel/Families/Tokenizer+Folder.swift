import LensCheckpoint
import LensCore
import LensTokenizer

extension Tokenizer {
    /// Reads the tokenizer of a model's folder; `nil` for a folder without one.
    ///
    /// - Throws: as `init(reading:settings:rows:bosTokenID:eosTokenID:)`.
    public init?(reading folder: ModelFolder, configuration: HuggingFaceConfiguration) throws(LensError) {
        guard let file = folder.tokenizer else { return nil }
        try self.init(
            reading: file, settings: folder.tokenizerConfiguration, rows: configuration.model.dVocab,
            bosTokenID: configuration.bosTokenID, eosTokenID: configuration.eosTokenID)
    }
}
