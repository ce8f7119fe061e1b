import Crypto
import LensCore

/// The tensors of a checkpoint that lies in several safetensors files, which an index holds together.
public final class ShardedSafetensors: TensorSource {
    /// The index's file name.
    public let name: String
    public let names: [String]
    public let notices: [String]

    private let shards: [SafetensorsFile]
    /// Where in `shards` a tensor is.
    private let places: [String: Int]

    /// Reads the shards' headers and holds them against the index.
    ///
    /// - Parameter files: the shards, in the order of `index.shards`.
    /// - Throws: `INVALID_ARGUMENT` naming a tensor that index and shards do not agree on, and as `SafetensorsFile`.
    init(index: SafetensorsIndex, files: [CheckpointFile], watch: ReadingWatch) throws(LensError) {
        var shards: [SafetensorsFile] = []
        var places: [String: Int] = [:]
        var byteCount = 0
        for file in files {
            let shard = try SafetensorsFile(opening: file, watch: watch)
            for tensor in shard.names {
                if let other = places.updateValue(shards.count, forKey: tensor) {
                    throw .invalidArgument(
                        "\(index.name): tensor '\(tensor)' is in two shards, \(shards[other].name) and \(shard.name)")
                }
                guard let expected = index.shardOfTensor[tensor] else {
                    throw .invalidArgument("\(index.name) does not know tensor '\(tensor)' of \(shard.name)")
                }
                guard expected == shard.name else {
                    throw .invalidArgument(
                        "\(index.name) says that tensor '\(tensor)' is in \(expected); it is in \(shard.name)")
                }
                byteCount += shard.info(of: tensor)?.byteRange.count ?? 0
            }
            shards.append(shard)
        }
        if let missing = index.shardOfTensor.filter({ places[$0.key] == nil }).min(by: { $0.key < $1.key }) {
            throw .invalidArgument(
                "\(index.name) says that tensor '\(missing.key)' is in \(missing.value), which does not have it")
        }
        if let totalSize = index.totalSize, totalSize != byteCount {
            notices = ["\(index.name) says that the tensors have \(totalSize) bytes; they have \(byteCount)"]
        } else {
            notices = []
        }
        name = index.name
        names = shards.flatMap(\.names)
        self.shards = shards
        self.places = places
    }

    public func info(of tensor: String) -> TensorInfo? {
        shard(of: tensor)?.info(of: tensor)
    }

    public func read(
        _ tensor: String, expectedShape: [Int], into destination: UnsafeMutableBufferPointer<Float>
    ) throws(LensError) {
        guard let shard = shard(of: tensor) else { throw .notFound("\(name) has no tensor '\(tensor)'") }
        try shard.read(tensor, expectedShape: expectedShape, into: destination)
    }

    /// SHA-256 over the shards' digests in the order of their names.
    public func digest() throws(LensError) -> [UInt8] {
        var hash = SHA256()
        for shard in shards { hash.update(data: try shard.digest()) }
        return Array(hash.finalize())
    }

    private func shard(of tensor: String) -> SafetensorsFile? {
        places[tensor].map { shards[$0] }
    }
}
