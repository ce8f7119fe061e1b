import Glibc
import LensCore

/// A checkpoint's weights on their way into a model's folder: safetensors files are copied, others converted.
enum ImportedWeights: Sendable {
    /// Safetensors files, with the index that holds them together where they are shards.
    case copied([CheckpointFile], index: NamedBytes?, notices: [String])
    /// A state dict, and of its tensors those that are wanted.
    case converted(PyTorchCheckpoint, [StoredTensor])

    private static let whole = "model.safetensors"
    private static let pickled = "pytorch_model.bin"
    private static let indexSuffix = ".index.json"
    private static let indexLimit = 32 << 20

    /// Opens the weights and checks what can be checked without reading them.
    ///
    /// - Parameters:
    ///   - name: the weights' file; `nil` takes what the folder has, safetensors first.
    ///   - configuration: the model's `config.json`.
    init(
        opening name: String?, in folder: Int32, configuration: JSONObject, watch: ReadingWatch
    ) throws(LensError) {
        let known = [Self.whole, Self.whole + Self.indexSuffix, Self.pickled, Self.pickled + Self.indexSuffix]
        guard let name = name ?? known.first(where: { faccessat(folder, $0, F_OK, 0) == 0 }) else {
            throw .notFound("the folder has none of \(known.joined(separator: ", "))")
        }
        func file(_ name: String, limit: Int = .max) throws(LensError) -> CheckpointFile {
            try CheckpointFile(opening: name, in: folder, sizeLimit: limit, trust: .users)
        }
        func index() throws(LensError) -> NamedBytes {
            let file = try file(name, limit: Self.indexLimit)
            return NamedBytes(name: name, bytes: try file.bytes(in: 0..<file.size))
        }
        if name.hasSuffix(".safetensors") {
            let weights = try file(name)
            _ = try SafetensorsFile(opening: weights)
            watch.expect(weights.size)
            self = .copied([weights], index: nil, notices: [])
        } else if name.hasSuffix(".safetensors" + Self.indexSuffix) {
            let text = try index()
            let shards = try ShardIndex(reading: text, suffix: ".safetensors")
            var files: [CheckpointFile] = []
            for shard in shards.shards { files.append(try file(shard)) }
            let tensors = try ShardedSafetensors(index: shards, files: files, watch: ReadingWatch())
            files.forEach { watch.expect($0.size) }
            self = .copied(files, index: text, notices: tensors.notices)
        } else if name.hasSuffix(Self.indexSuffix) {
            let shards = try ShardIndex(reading: index(), suffix: ".bin")
            var files: [PyTorchFile] = []
            for shard in shards.shards { files.append(try PyTorchFile(opening: file(shard), watch: watch)) }
            self.init(converting: try PyTorchCheckpoint(index: shards, files: files), configuration)
        } else {
            let weights = try PyTorchFile(opening: file(name), watch: watch)
            self.init(converting: PyTorchCheckpoint(weights), configuration)
        }
    }

    private init(converting checkpoint: PyTorchCheckpoint, _ configuration: JSONObject) {
        let tiesHead = Self.tiesHead(configuration)
        let wanted = checkpoint.tensors.filter { tensor in
            // A tied head is the embedding under a second name.
            guard tiesHead, Self.headNames.contains(tensor.name) else { return true }
            return !checkpoint.tensors.contains { $0.name != tensor.name && checkpoint.areSame($0.name, tensor.name) }
        }
        self = .converted(checkpoint, wanted)
    }

    private static let headNames = ["lm_head.weight", "embed_out.weight"]
    /// Families whose heads are tied where `config.json` does not say.
    private static let familiesThatTie: Set<String> = ["gpt2", "gpt_neo", "opt", "bloom", "gemma", "gemma2"]

    private static func tiesHead(_ configuration: JSONObject) -> Bool {
        if let tied = configuration.optional("tie_word_embeddings") { return (try? tied.bool()) ?? false }
        guard let family = try? configuration.optional("model_type")?.string() else { return false }
        return familiesThatTie.contains(family)
    }

    var notices: [String] {
        switch self {
        case .copied(_, _, let notices): notices
        case .converted(let checkpoint, _): checkpoint.notices
        }
    }

    /// Writes the weights into a folder.
    func write(to folder: String, watch: ReadingWatch) throws(LensError) {
        switch self {
        case .copied(let files, let index, _):
            for file in files {
                let name = index == nil ? Self.whole : file.name
                let copy = try PartialFile(path: "\(folder)/\(name)")
                try file.forEachPiece(in: 0..<file.size) { bytes throws(LensError) in
                    try watch.advance(by: bytes.count)
                    try copy.write(bytes)
                }
                try copy.finish()
            }
            guard let index else { return }
            let copy = try PartialFile(path: "\(folder)/\(Self.whole)\(Self.indexSuffix)")
            try copy.write(index.bytes)
            try copy.finish()
        case .converted(let checkpoint, let wanted):
            let writer = try SafetensorsWriter(path: "\(folder)/\(Self.whole)", tensors: wanted)
            for tensor in writer.tensors {
                try checkpoint.forEachPiece(of: tensor.name) { bytes throws(LensError) in try writer.write(bytes) }
            }
            try writer.finish()
        }
    }
}
