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
    init(index: ShardIndex, files: [CheckpointFile], watch: ReadingWatch) throws(LensError) {
        var shards: [SafetensorsFile] = []
        for file in files { shards.append(try SafetensorsFile(opening: file, watch: watch)) }
        places = try index.places(of: shards.map { (name: $0.name, tensors: $0.names) })
        notices = index.notices(byteCount: shards.reduce(0) { $0 + $1.byteCount })
        name = index.name
        names = shards.flatMap(\.names)
        self.shards = shards
    }

    public func info(of tensor: String) -> TensorInfo? {
        shard(of: tensor)?.info(of: tensor)
    }

    public func read(
        _ tensor: String, expectedShape: [Int], into destination: UnsafeMutableBufferPointer<Float>
    ) throws(LensError) {
        try existing(tensor).read(tensor, expectedShape: expectedShape, into: destination)
    }

    public func digest(of tensor: String) throws(LensError) -> [UInt8] { try existing(tensor).digest(of: tensor) }

    /// SHA-256 over the shards' digests in the order of their names.
    public func digest() throws(LensError) -> [UInt8] {
        var hash = SHA256()
        for shard in shards { hash.update(data: try shard.digest()) }
        return Array(hash.finalize())
    }

    private func existing(_ tensor: String) throws(LensError) -> SafetensorsFile {
        guard let shard = shard(of: tensor) else { throw .notFound("\(name) has no tensor '\(tensor)'") }
        return shard
    }

    private func shard(of tensor: String) -> SafetensorsFile? {
        places[tensor].map { shards[$0] }
    }
}
