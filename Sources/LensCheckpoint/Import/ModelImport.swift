import Glibc
import LensCore

/// A checkpoint that a user has, opened and checked, to be made into a model's folder that the daemon accepts.
///
/// Runs with the user's own rights in the user's own program; a `pytorch_model.bin` is read here and never in the
/// daemon.
public final class ModelImport: Sendable {
    /// Where the folder is made.
    public enum Place: Sendable {
        /// In the `models` of a daemon's state folder: what killed imports left there is removed, and what root makes
        /// there belongs to that folder's owner.
        case stateFolder
        /// Anywhere else.
        case elsewhere
    }

    /// A model's name made of the folder's; `nil` where nothing of it can stand in a name.
    public let suggestedName: String?
    /// What is odd about the files and no reason to refuse them, and what becomes of them.
    public let notices: [String]

    private let texts: [NamedBytes]
    private let weights: ImportedWeights
    private let watch: ReadingWatch

    /// Of a model's folder, what is taken along where it is there.
    private static let textNames = [
        "config.json", "generation_config.json", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json",
        "added_tokens.json", "vocab.json", "merges.txt",
    ]
    private static let textLimit = 64 << 20

    /// Opens a checkpoint and checks its files, each by itself, and that the daemon runs models of its architecture. What
    /// the files are together, a tensor's shape beside `config.json` for one, the daemon says when it reads them.
    ///
    /// - Parameters:
    ///   - path: a folder with `config.json` and weights, or a file of weights beside a `config.json`.
    ///   - watch: follows the writing.
    /// - Throws: `NOT_FOUND` for missing files; `INVALID_ARGUMENT` or `UNIMPLEMENTED` naming the file and what in it is
    ///   wrong.
    public init(from path: String, watch: ReadingWatch = ReadingWatch()) throws(LensError) {
        var status = stat()
        guard stat(path, &status) == 0 else { throw CheckpointFile.systemError(errno, "cannot open \(path)") }
        let isFolder = status.st_mode & S_IFMT == S_IFDIR
        let folder = isFolder ? path : Self.parent(of: path)
        let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw CheckpointFile.systemError(errno, "cannot open the folder \(folder)") }
        defer { close(descriptor) }

        var texts: [NamedBytes] = []
        for name in Self.textNames where ModelFolder.exists(name, in: descriptor) {
            let file = try CheckpointFile(opening: name, in: descriptor, sizeLimit: Self.textLimit, trust: .users)
            let text = NamedBytes(name: name, bytes: try file.bytes(in: 0..<file.size))
            if name.hasSuffix(".json") { _ = try JSONValue(parsing: text.bytes, file: name) }
            texts.append(text)
        }
        guard let configuration = texts.first, configuration.name == "config.json" else {
            let place = isFolder ? "\(path) has no config.json" : "there is no config.json beside \(path)"
            throw .notFound("\(place); a model is its weights, config.json and, for text, tokenizer.json in one folder")
        }
        let keys = try configuration.object()
        try KnownArchitectures.check(keys)
        try ModelFolder.checkTokenizer(in: descriptor)
        weights = try ImportedWeights(
            opening: isFolder ? nil : String(path.split(separator: "/").last ?? ""), in: descriptor,
            configuration: keys, watch: watch)
        notices = weights.notices
        suggestedName = Self.modelName(from: Self.resolved(folder))
        self.texts = texts
        self.watch = watch
    }

    /// Writes the model's folder, which appears whole or not at all.
    ///
    /// - Parameters:
    ///   - folder: its path; the folder above it exists.
    ///   - replacing: whether a folder that is there gives way.
    ///   - place: what else happens there.
    /// - Throws: `ALREADY_EXISTS` where it is there and does not give way; `RESOURCE_EXHAUSTED` where the disk is full;
    ///   `PERMISSION_DENIED` where it may not be written; `CANCELLED`. Nothing is left behind then.
    public func write(
        to folder: String, replacing: Bool, in place: Place = .elsewhere
    ) throws(LensError) {
        let staging = try StagingFolder(for: folder, replacing: replacing, in: place)
        for text in texts {
            let file = try PartialFile(path: "\(staging.path)/\(text.name)")
            try file.write(text.bytes)
            try file.finish()
        }
        try weights.write(to: staging.path, watch: watch)
        try watch.advance(by: 0)
        try staging.finish()
    }

    /// Removes a folder that was written, which nothing can be done with.
    public static func remove(_ folder: String) {
        let name = String(folder.split(separator: "/").last ?? "")
        (try? OpenFolder(path: parent(of: folder)))?.removeFolder(name, of: nil)
    }

    // MARK: - Names

    /// Lower case, with `-` for what may not be in a name: `TinyStories-1Layer-21M` becomes `tinystories-1layer-21m`.
    ///
    /// The cache of Hugging Face's hub keeps a model in `models--OWNER--NAME/snapshots/REVISION`.
    package static func modelName(from path: String) -> String? {
        let parts = path.split(separator: "/").map(String.init)
        let hub = parts.last { $0.hasPrefix("models--") }
        let source = hub.map { afterLast("--", in: $0) } ?? parts.last ?? ""
        var name = ""
        for scalar in source.lowercased().unicodeScalars {
            switch scalar {
            case "a"..."z", "0"..."9", ".", "_", "-": name.unicodeScalars.append(scalar)
            default: name += "-"
            }
        }
        name = String(name.drop { $0 == "-" || $0 == "." }.prefix(64))
        return (try? ModelReference.check(name: name)) == nil ? nil : name
    }

    private static func afterLast(_ separator: String, in text: String) -> String {
        var rest = text[...]
        while let range = rest.firstRange(of: separator) { rest = rest[range.upperBound...] }
        return String(rest)
    }

    private static func parent(of path: String) -> String {
        path.lastIndex(of: "/").map { String(path[...$0]) } ?? "."
    }

    /// The path without links and dots; as it was where that cannot be.
    private static func resolved(_ path: String) -> String {
        guard let resolved = realpath(path, nil) else { return path }
        defer { free(resolved) }
        return String(cString: resolved)
    }
}
