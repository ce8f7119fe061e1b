import LensCheckpoint
import LensCore
import LensTensor
import LensTokenizer

/// A model that is loaded: its weights in memory once, in both forms, and its tokenizer where it has one.
public final class LanguageModel: Sendable {
    public let configuration: ModelConfiguration
    /// SHA-256 of weights, configuration and tokenizer, hexadecimal.
    public let fingerprint: String
    /// `nil` for a folder without one: a toy model, whose prompts are tokens.
    public let tokenizer: Tokenizer?
    public let weights: ModelWeights
    /// How many numbers the weights are; a tied unembedding is counted once.
    public let parameterCount: Int
    /// What is odd about the folder's files and no reason to refuse them.
    public let notices: [String]
    /// `nil` for all but rotary models.
    let rotaryTurns: RotaryTurns?
    /// Per head; empty for all but ALiBi models.
    let alibiSlopes: [Float]
    private let processed: WeightForm
    private let raw: WeightForm

    /// Loads a Hugging Face folder: `config.json`, weights in one file or in shards, and `tokenizer.json` if it has one.
    ///
    /// - Parameter progress: told how many of the weights' bytes are read.
    /// - Throws: `INVALID_ARGUMENT`, `NOT_FOUND`, `DATA_LOSS` or `UNIMPLEMENTED`, naming the file and what is wrong.
    public init(
        folder: ModelFolder, on pool: ComputePool, control: CallControl = CallControl(),
        progress: ReadingWatch.Progress? = nil
    ) throws(LensError) {
        let description = try HuggingFaceConfiguration(reading: folder.configuration)
        let source = try folder.tensors(watch: ReadingWatch(control: control, progress: progress))
        configuration = description.model
        notices = description.notices + source.notices
        rotaryTurns = configuration.positionalEmbedding.rotary.map { RotaryTurns($0) }
        alibiSlopes =
            configuration.positionalEmbedding == .alibi ? AlibiSlopes.slopes(heads: configuration.nHeads) : []
        tokenizer = try Tokenizer(reading: folder, configuration: description)
        if let tokenizer, tokenizer.vocabularySize > configuration.dVocab {
            throw .invalidArgument(
                "the tokenizer has \(tokenizer.vocabularySize) tokens, "
                    + "but the model's vocabulary has \(configuration.dVocab)")
        }
        weights = try CheckpointReader(source, family: description.family, configuration: configuration)
            .read(description.parts)
        parameterCount = weights.parameterCount(configuration)
        fingerprint = try ModelFingerprint(
            weights: source, configuration: folder.configuration, tokenizer: folder.tokenizer
        ).description
        raw = WeightForm(raw: weights, configuration)
        processed = try WeightForm(processed: weights, configuration, on: pool, control: control)
    }

    public func form(_ form: ModelReference.Form) -> WeightForm {
        form == .raw ? raw : processed
    }

    /// The shape of a layer's attention.
    package func attention(_ layer: Int) -> AttentionShape {
        let c = configuration
        return AttentionShape(
            heads: c.nHeads, keyHeads: c.nKeyValueHeads, dHead: c.dHead,
            scale: c.scaleAttnByInverseLayerIdx ? c.attnScale / Float(layer + 1) : c.attnScale,
            window: c.attnTypes[layer] == .local ? c.windowSize : nil, softCap: c.attnScoresSoftCap,
            slopes: alibiSlopes)
    }

    /// Bytes of memory that the weights take, both forms together.
    public var weightBytes: Int { parameterCount * MemoryLayout<Float>.stride }

    /// Bytes of memory that a folder's weights would take, both forms together; only its `config.json` is looked at.
    ///
    /// - Throws: `INVALID_ARGUMENT` or `UNIMPLEMENTED`, naming what in `config.json` is wrong.
    public static func weightBytes(of folder: ModelFolder) throws(LensError) -> Int {
        let description = try HuggingFaceConfiguration(reading: folder.configuration)
        var counts: [StoredPart: Int] = [:]
        _ = try description.parts.map(description.model) { (part, shape) throws(LensError) in
            counts[part] = shape.reduce(1, *)
            return part
        }
        return counts.values.reduce(0, +) * MemoryLayout<Float>.stride
    }
}
