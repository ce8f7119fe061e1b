import LensCore

/// A checkpoint's `model.safetensors.index.json` or `pytorch_model.bin.index.json`: which shard has which tensor.
struct ShardIndex: Sendable {
    /// The last part of the index's path.
    let name: String
    /// A shard's file name for every tensor.
    let shardOfTensor: [String: String]
    /// The shards' file names, sorted.
    let shards: [String]
    /// The bytes of all tensors as `metadata.total_size` says; `nil` where it does not say.
    let totalSize: Int?

    /// Each shard stays open while the model is loaded.
    static let shardLimit = 256

    /// Reads an index.
    ///
    /// - Parameter suffix: what the shards' names must end in, such as `.safetensors`.
    /// - Throws: `INVALID_ARGUMENT` naming the key, the tensor or the shard that is wrong.
    init(reading file: NamedBytes, suffix: String) throws(LensError) {
        let keys = try file.object()
        var shardOfTensor: [String: String] = [:]
        try keys.required("weight_map").forEachMember { tensor, value throws(LensError) in
            guard shardOfTensor.count < SafetensorsHeader.tensorLimit else {
                throw value.error("is one tensor more than the \(SafetensorsHeader.tensorLimit) that may be")
            }
            let shard = try value.string()
            guard Self.isPlainName(shard, suffix: suffix) else {
                throw .invalidArgument(
                    "\(file.name): tensor '\(tensor)' must be in a file of the folder itself whose name ends in "
                        + "\(suffix); it is said to be in '\(try value.excerpt())'")
            }
            guard shardOfTensor.updateValue(shard, forKey: tensor) == nil else {
                throw .invalidArgument("\(file.name): tensor '\(tensor)' is in weight_map twice")
            }
        }
        name = file.name
        self.shardOfTensor = shardOfTensor
        shards = Set(shardOfTensor.values).sorted()
        guard !shards.isEmpty else { throw .invalidArgument("\(file.name): weight_map names no tensor") }
        guard shards.count <= Self.shardLimit else {
            throw .invalidArgument(
                "\(file.name): weights may lie in at most \(Self.shardLimit) shards; it names \(shards.count)")
        }
        // Some programs write it with a fraction, and nobody needs it.
        totalSize = try keys.optional("metadata")?.object().optional("total_size").flatMap { size in
            try? size.integer(in: 0...Int.max)
        }
    }

    /// Whether a name stays in the folder that it is opened in.
    private static func isPlainName(_ name: String, suffix: String) -> Bool {
        name.hasSuffix(suffix) && name.utf8.count > suffix.utf8.count && name.utf8.count <= 255
            && !name.utf8.contains { $0 == UInt8(ascii: "/") || $0 < 0x20 }
    }

    // MARK: - The shards

    /// In which of the shards each tensor is, once index and shards agree on it.
    ///
    /// - Parameter files: the shards' names and their tensors, in the order of `shards`.
    /// - Throws: `INVALID_ARGUMENT` naming a tensor that they do not agree on.
    func places(of files: [(name: String, tensors: [String])]) throws(LensError) -> [String: Int] {
        var places: [String: Int] = [:]
        for (place, file) in files.enumerated() {
            for tensor in file.tensors {
                if let other = places.updateValue(place, forKey: tensor) {
                    throw .invalidArgument(
                        "\(name): tensor '\(tensor)' is in two shards, \(files[other].name) and \(file.name)")
                }
                guard let expected = shardOfTensor[tensor] else {
                    throw .invalidArgument("\(name) does not know tensor '\(tensor)' of \(file.name)")
                }
                guard expected == file.name else {
                    throw .invalidArgument(
                        "\(name) says that tensor '\(tensor)' is in \(expected); it is in \(file.name)")
                }
            }
        }
        if let missing = shardOfTensor.filter({ places[$0.key] == nil }).min(by: { $0.key < $1.key }) {
            throw .invalidArgument(
                "\(name) says that tensor '\(missing.key)' is in \(missing.value), which does not have it")
        }
        return places
    }

    /// What is odd and no reason to refuse the shards.
    func notices(byteCount: Int) -> [String] {
        guard let totalSize, totalSize != byteCount else { return [] }
        return ["\(name) says that the tensors have \(totalSize) bytes; they have \(byteCount)"]
    }
}
