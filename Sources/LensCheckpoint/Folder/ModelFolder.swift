import Glibc
import LensCore

/// A small text file of a model's folder, read whole.
public struct JSONFile: Sendable {
    /// The last part of its path, as errors name it.
    public let name: String
    public let bytes: [UInt8]

    public init(name: String, bytes: [UInt8]) {
        self.name = name
        self.bytes = bytes
    }

    /// Its outermost object.
    ///
    /// - Throws: `INVALID_ARGUMENT` for what is not JSON or no object.
    package func object() throws(LensError) -> JSONObject {
        try JSONValue(parsing: bytes, file: name).object()
    }
}

/// A model's folder in the Hugging Face layout, opened: the small files are read, the weights are held open.
///
/// Only regular files of the folder itself are taken, and only those that nobody but root and the user who runs the
/// process could have written.
public struct ModelFolder: Sendable {
    public let path: String
    /// `config.json`
    public let configuration: JSONFile
    /// `model.safetensors`
    public let weights: CheckpointFile
    /// `tokenizer.json`
    public let tokenizer: JSONFile
    /// `tokenizer_config.json`, which a folder may lack.
    public let tokenizerConfiguration: JSONFile?

    private static let configurationLimit = 1 << 20
    private static let tokenizerLimit = 32 << 20
    /// Far over every model that fits this program, so that no sparse file keeps it hashing for hours.
    private static let weightsLimit = 256 << 30

    /// Opens a folder and its files.
    ///
    /// - Throws: `NOT_FOUND` for a missing folder or file, `PERMISSION_DENIED` for links and for what strangers may
    ///   write, `INVALID_ARGUMENT` for what is no regular file or too large, `UNIMPLEMENTED` for weights in another
    ///   format.
    public init(opening path: String) throws(LensError) {
        let folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard folder >= 0 else { throw CheckpointFile.systemError(errno, "cannot open the model's folder \(path)") }
        defer { close(folder) }
        var status = stat()
        guard fstat(folder, &status) == 0 else { throw CheckpointFile.systemError(errno, "cannot look at \(path)") }
        try CheckpointFile.checkWriters(status, of: "the model's folder \(path)")

        func text(_ name: String, limit: Int) throws(LensError) -> JSONFile {
            let file = try CheckpointFile(opening: name, in: folder, sizeLimit: limit)
            return JSONFile(name: name, bytes: try file.bytes(in: 0..<file.size))
        }
        self.path = path
        configuration = try text("config.json", limit: Self.configurationLimit)
        weights = try Self.openWeights(in: folder)
        tokenizer = try text("tokenizer.json", limit: Self.tokenizerLimit)
        tokenizerConfiguration =
            Self.exists("tokenizer_config.json", in: folder)
            ? try text("tokenizer_config.json", limit: Self.configurationLimit) : nil
    }

    private static func openWeights(in folder: Int32) throws(LensError) -> CheckpointFile {
        let name = "model.safetensors"
        if !exists(name, in: folder) {
            for other in ["model.safetensors.index.json", "pytorch_model.bin"] where exists(other, in: folder) {
                throw .unimplemented("not supported: weights as \(other); expected one file \(name)")
            }
        }
        return try CheckpointFile(opening: name, in: folder, sizeLimit: weightsLimit)
    }

    private static func exists(_ name: String, in folder: Int32) -> Bool {
        faccessat(folder, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0
    }
}
