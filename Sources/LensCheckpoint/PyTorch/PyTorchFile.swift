import LensCore

/// A state dict that `torch.save` wrote, in the zip format or in the one before it: names and tensors.
///
/// The pickle inside is run by a ``PickleMachine``, which can make tensors and nothing else. For the user's own
/// programs: the daemon reads safetensors only.
public final class PyTorchFile: Sendable {
    /// The last part of the file's path.
    public let name: String
    /// In the state dict's order.
    public let tensors: [StoredTensor]

    private let file: CheckpointFile
    private let watch: ReadingWatch
    private let views: [String: View]

    /// A tensor and where in the file its storage begins.
    private struct View {
        let tensor: PickledTensor
        let storageStart: Int
    }

    /// Several names may share one storage; more than this in all is an attack and no model.
    private static let repetitionLimit = 4
    /// A tensor that is not contiguous takes memory for all that it spans: elements for each of its own, beyond a few.
    private static let spanLimit = 4
    private static let smallSpan = 1 << 20

    /// Reads the pickle and holds what it says against the file.
    ///
    /// - Throws: `INVALID_ARGUMENT` naming what is wrong, `UNIMPLEMENTED` for other formats of PyTorch, `DATA_LOSS` when
    ///   the file cannot be read.
    public init(opening file: CheckpointFile, watch: ReadingWatch = ReadingWatch()) throws(LensError) {
        let layout = try PyTorchLayout(reading: file)
        var tensors: [StoredTensor] = []
        var views: [String: View] = [:]
        var byteCount = 0
        for (key, tensor) in layout.tensors {
            guard let start = layout.storages[tensor.storage.key]?.lowerBound else {
                throw .invalidArgument(
                    "\(file.name): tensor '\(key)' is in storage '\(tensor.storage.key)', which is missing")
            }
            guard key != "__metadata__", key.utf8.count <= JSONScanner.keyLimit else {
                throw .invalidArgument("\(file.name): no tensor may be named '\(key.prefix(64))'")
            }
            guard views.updateValue(View(tensor: tensor, storageStart: start), forKey: key) == nil else {
                throw .invalidArgument("\(file.name): tensor '\(key)' is in the state dict twice")
            }
            guard
                tensor.isContiguous || tensor.span <= Self.smallSpan || tensor.span / Self.spanLimit <= tensor.count
            else {
                throw .invalidArgument(
                    "\(file.name): tensor '\(key)' of \(tensor.count) elements spans \(tensor.span) of its storage; "
                        + "expected at most \(Self.spanLimit) times as many (save it with .contiguous())")
            }
            let stored = StoredTensor(name: key, elementType: tensor.elementType, shape: tensor.shape)
            byteCount += stored.byteCount ?? 0
            guard byteCount / Self.repetitionLimit <= file.size else {
                throw .invalidArgument(
                    "\(file.name): its tensors repeat the same bytes more than \(Self.repetitionLimit) times")
            }
            tensors.append(stored)
        }
        name = file.name
        self.file = file
        self.watch = watch
        self.tensors = tensors
        self.views = views
        watch.expect(byteCount)
    }

    /// Whether two names are the same elements of one storage, as tied weights are.
    public func areSame(_ first: String, _ second: String) -> Bool {
        guard let first = views[first], let second = views[second] else { return false }
        return first.tensor == second.tensor
    }

    /// Reads a tensor piece by piece, row-major and little-endian whatever its strides are.
    ///
    /// A contiguous tensor takes no memory but a piece; another one takes the part of its storage that it spans.
    ///
    /// - Throws: `NOT_FOUND` without such a tensor, `DATA_LOSS` when the file cannot be read, `CANCELLED` or
    ///   `DEADLINE_EXCEEDED`, and what `body` throws.
    public func forEachPiece(
        of tensor: String, _ body: (UnsafeRawBufferPointer) throws(LensError) -> Void
    ) throws(LensError) {
        guard let view = views[tensor] else { throw .notFound("\(name) has no tensor '\(tensor)'") }
        guard view.tensor.count > 0 else { return }
        let size = view.tensor.elementType.size
        let first = view.storageStart + view.tensor.offset * size
        let watched = { [watch] (piece: UnsafeRawBufferPointer) throws(LensError) in
            try watch.advance(by: piece.count)
            try body(piece)
        }
        if view.tensor.isContiguous {
            try file.forEachPiece(in: first..<first + view.tensor.count * size, watched)
        } else {
            try StridedReader(view.tensor).forEachPiece(of: file, from: first, watched)
        }
    }
}
