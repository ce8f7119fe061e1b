import Glibc
import LensCore

/// A model's folder in the Hugging Face layout, opened: the small files are read, the weights are held open.
///
/// Only regular files of the folder itself are taken, and only those that nobody but root and the user who runs the
/// process could have written.
public struct ModelFolder: Sendable {
    public let path: String
    /// `config.json`
    public let configuration: NamedBytes
    /// `tokenizer.json`, or what `vocab.json` and `merges.txt` say written as one; `nil` where the folder has no file of
    /// a tokenizer at all, as a toy model's.
    public let tokenizer: NamedBytes?
    /// `tokenizer_config.json`, which a folder may lack.
    public let tokenizerConfiguration: NamedBytes?

    private let weights: Weights

    /// Where the tensors are, held open.
    private enum Weights: Sendable {
        /// `model.safetensors`
        case whole(CheckpointFile)
        /// `model.safetensors.index.json` and the files that it names.
        case sharded(ShardIndex, [CheckpointFile])
    }

    private static let configurationLimit = 1 << 20
    private static let tokenizerLimit = 32 << 20
    private static let indexLimit = 32 << 20
    /// What a tokenizer may leave in a folder beside `tokenizer.json`; a file of the vocabulary comes first.
    private static let otherTokenizerFiles = [
        "tokenizer.model", "spiece.model", "vocab.txt", "vocab.json", "merges.txt", "tokenizer_config.json",
    ]
    /// Far over every model that fits this program, so that no sparse file keeps it hashing for hours.
    private static let weightsLimit = 256 << 30

    /// Opens a folder and its files.
    ///
    /// - Throws: `NOT_FOUND` for a missing folder or file, `PERMISSION_DENIED` for links and for what strangers may
    ///   write, `INVALID_ARGUMENT` for what is no regular file or too large and for a bad index, `UNIMPLEMENTED` for
    ///   weights or a tokenizer in another format.
    public init(opening path: String) throws(LensError) {
        let folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard folder >= 0 else { throw CheckpointFile.systemError(errno, "cannot open the model's folder \(path)") }
        defer { close(folder) }
        var status = stat()
        guard fstat(folder, &status) == 0 else { throw CheckpointFile.systemError(errno, "cannot look at \(path)") }
        try CheckpointFile.checkWriters(status, of: "the model's folder \(path)")

        func text(_ name: String, _ limit: Int) throws(LensError) -> NamedBytes {
            let file = try CheckpointFile(opening: name, in: folder, sizeLimit: limit)
            return NamedBytes(name: name, bytes: try file.bytes(in: 0..<file.size))
        }
        self.path = path
        configuration = try text("config.json", Self.configurationLimit)
        weights = try Self.openWeights(in: folder, text: text)
        tokenizerConfiguration =
            Self.exists("tokenizer_config.json", in: folder)
            ? try text("tokenizer_config.json", Self.configurationLimit) : nil
        if Self.exists("tokenizer.json", in: folder) {
            tokenizer = try text("tokenizer.json", Self.tokenizerLimit)
        } else if Self.exists("vocab.json", in: folder), Self.exists("merges.txt", in: folder) {
            tokenizer = try VocabularyFiles(
                vocabulary: text("vocab.json", Self.tokenizerLimit), merges: text("merges.txt", Self.tokenizerLimit),
                settings: tokenizerConfiguration
            ).tokenizer()
        } else {
            try Self.checkTokenizer(in: folder)
            tokenizer = nil
        }
    }

    /// Refuses a folder whose tokenizer is in another format or went astray: it is not taken for one that has none.
    static func checkTokenizer(in folder: Int32) throws(LensError) {
        func exists(_ name: String) -> Bool { Self.exists(name, in: folder) }
        if exists("tokenizer.json") || exists("vocab.json") && exists("merges.txt") { return }
        guard let other = otherTokenizerFiles.first(where: exists) else { return }
        throw .notFound(
            "the model's folder has \(other), but no tokenizer.json; transformers writes one: "
                + "AutoTokenizer.from_pretrained(DIR).save_pretrained(DIR)")
    }

    /// The weights' headers, read and checked; the tensors are read by whoever builds the model.
    ///
    /// - Parameter watch: follows that reading.
    /// - Throws: `INVALID_ARGUMENT` naming the file and what in it is wrong, `DATA_LOSS` when it cannot be read.
    public func tensors(watch: ReadingWatch = ReadingWatch()) throws(LensError) -> any TensorSource {
        switch weights {
        case .whole(let file): try SafetensorsFile(opening: file, watch: watch)
        case .sharded(let index, let files): try ShardedSafetensors(index: index, files: files, watch: watch)
        }
    }

    private static func openWeights(
        in folder: Int32, text: (String, Int) throws(LensError) -> NamedBytes
    ) throws(LensError) -> Weights {
        let whole = "model.safetensors"
        let indexName = "model.safetensors.index.json"
        if !exists(whole, in: folder), exists(indexName, in: folder) {
            let index = try ShardIndex(reading: text(indexName, indexLimit), suffix: ".safetensors")
            var files: [CheckpointFile] = []
            for shard in index.shards {
                files.append(try CheckpointFile(opening: shard, in: folder, sizeLimit: weightsLimit))
            }
            return .sharded(index, files)
        }
        for other in ["pytorch_model.bin", "pytorch_model.bin.index.json"]
        where !exists(whole, in: folder) && exists(other, in: folder) {
            throw .unimplemented(
                "not supported: weights as \(other), which is never read in the daemon; "
                    + "'lensctl models import' makes \(whole) of it")
        }
        return .whole(try CheckpointFile(opening: whole, in: folder, sizeLimit: weightsLimit))
    }

    /// Whether a name is there, be it a link that leads nowhere.
    static func exists(_ name: String, in folder: Int32) -> Bool {
        faccessat(folder, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0
    }
}
