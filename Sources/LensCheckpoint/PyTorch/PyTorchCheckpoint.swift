import LensCore

/// The state dict of a model, in one file of `torch.save` or in shards that an index holds together.
public final class PyTorchCheckpoint: Sendable {
    /// In the order of the files, and in theirs.
    public let tensors: [StoredTensor]
    /// What is odd about the files and no reason to refuse them.
    public let notices: [String]

    private let files: [PyTorchFile]
    /// Where in `files` a tensor is.
    private let places: [String: Int]

    /// A state dict in one file.
    public init(_ file: PyTorchFile) {
        tensors = file.tensors
        notices = []
        files = [file]
        places = Dictionary(file.tensors.map { ($0.name, 0) }, uniquingKeysWith: { first, _ in first })
    }

    /// A state dict in shards.
    ///
    /// - Parameter files: the shards, in the order of `index.shards`.
    /// - Throws: `INVALID_ARGUMENT` naming a tensor that index and shards do not agree on.
    init(index: ShardIndex, files: [PyTorchFile]) throws(LensError) {
        places = try index.places(of: files.map { (name: $0.name, tensors: $0.tensors.map(\.name)) })
        tensors = files.flatMap(\.tensors)
        notices = index.notices(byteCount: tensors.reduce(0) { $0 + ($1.byteCount ?? 0) })
        self.files = files
    }

    /// Whether two names are the same elements of one storage, as tied weights are.
    public func areSame(_ first: String, _ second: String) -> Bool {
        guard let place = places[first], places[second] == place else { return false }
        return files[place].areSame(first, second)
    }

    /// As ``PyTorchFile/forEachPiece(of:_:)``.
    public func forEachPiece(
        of tensor: String, _ body: (UnsafeRawBufferPointer) throws(LensError) -> Void
    ) throws(LensError) {
        guard let place = places[tensor] else { throw .notFound("no file has a tensor '\(tensor)'") }
        try files[place].forEachPiece(of: tensor, body)
    }
}
