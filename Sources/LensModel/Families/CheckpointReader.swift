import LensCheckpoint
import LensCore
import LensTensor

/// Reads a model's weights from where a family says that they are.
///
/// The whole list of tensors is held against the parts before anything is read. Each tensor is read once, whatever
/// number of parts lies in it, and each part exists once, wherever it is used.
struct CheckpointReader {
    private let source: any TensorSource
    private let family: any ModelFamily.Type
    private let configuration: ModelConfiguration
    /// Whether the checkpoint has the family's prefix.
    private let hasPrefix: Bool

    init(_ source: any TensorSource, family: any ModelFamily.Type, configuration: ModelConfiguration) {
        self.source = source
        self.family = family
        self.configuration = configuration
        hasPrefix = family.prefix.isEmpty || source.names.contains { $0.hasPrefix(family.prefix) }
    }

    /// Reads every part and refuses a checkpoint that lacks one or has a tensor that is none.
    ///
    /// - Throws: `INVALID_ARGUMENT` or `NOT_FOUND` naming the tensor, and the shape that was expected and found; what
    ///   reading throws.
    func read(_ parts: ModelParts<StoredPart>) throws(LensError) -> ModelWeights {
        let wanted = try listed(parts)
        try checkNames(wanted)
        var tensors: [StoredPart: Tensor] = [:]
        for name in order(wanted) {
            if let parts = wanted[name] { try read(name, parts, into: &tensors) }
        }
        if configuration.tiedEmbedding { try checkTiedHead(embedding: storedName(parts.unembed.weight.name)) }
        return try parts.map(configuration) { (part, _) throws(LensError) in
            guard let tensor = tensors[part] else { throw LensError(.internal, "'\(part.name)' was not read") }
            return tensor
        }
    }

    /// The tensors in the order of their bytes; before them those that lie otherwise than their parts, the largest first:
    /// they are in memory twice while they are read, and little else is there then.
    private func order(_ wanted: [String: [(part: StoredPart, shape: [Int])]]) -> [String] {
        func isCopied(_ name: String) -> Bool { wanted[name]?.contains { !$0.part.isWhole } ?? false }
        func size(_ name: String) -> Int { source.info(of: name)?.shape.reduce(1, *) ?? 0 }
        let copied = source.names.filter(isCopied).sorted { size($0) > size($1) }
        return copied + source.names.filter { !isCopied($0) }
    }

    /// The parts by the tensors in which they are, each once, with its shape; shapes are checked.
    private func listed(
        _ parts: ModelParts<StoredPart>
    ) throws(LensError) -> [String: [(part: StoredPart, shape: [Int])]] {
        var listed: [String: [(part: StoredPart, shape: [Int])]] = [:]
        _ = try parts.map(configuration) { (part, shape) throws(LensError) in
            let name = storedName(part.name)
            guard let info = source.info(of: name) else { throw .notFound("\(source.name) has no tensor '\(name)'") }
            let expected = part.storedShape(shape)
            guard info.shape == expected else {
                throw .invalidArgument(
                    "\(source.name): tensor '\(name)': expected shape \(expected); found \(info.shape)")
            }
            if listed[name]?.contains(where: { $0.part == part }) != true {
                listed[name, default: []].append((part, shape))
            }
        }
        return listed
    }

    /// A tensor's name in this checkpoint: older ones lack the prefix.
    private func storedName(_ name: String) -> String {
        hasPrefix || !name.hasPrefix(family.prefix) ? name : String(name.dropFirst(family.prefix.count))
    }

    /// Extra tensors mean that the file is of another model than `config.json` describes.
    private func checkNames<Part>(_ wanted: [String: Part]) throws(LensError) {
        let c = configuration
        var known = Set((0..<c.nLayers).flatMap { family.buffers(layer: $0) }.map(storedName))
        // Saved beside the embedding that it is, by some versions of transformers.
        if c.tiedEmbedding { known.formUnion(family.tiedHead.map(storedName)) }
        if let extra = source.names.first(where: { wanted[$0] == nil && !known.contains($0) }) {
            throw .invalidArgument(
                "\(source.name): tensor '\(extra)' is none of a \(c.originalArchitecture) of \(c.nLayers) layers; "
                    + "do config.json and the weights belong together?")
        }
    }

    /// A head beside the embedding that it is said to be must be that embedding: transformers ties no other one.
    private func checkTiedHead(embedding: String) throws(LensError) {
        for head in family.tiedHead.map(storedName) {
            guard let info = source.info(of: head) else { continue }
            let (own, other) = (try source.digest(of: head), try source.digest(of: embedding))
            guard own == other, info.shape == source.info(of: embedding)?.shape else {
                throw .invalidArgument(
                    "\(source.name): tensor '\(head)' is not the same as '\(embedding)', though config.json ties the two; "
                        + "with \"tie_word_embeddings\": false the model has both")
            }
        }
    }

    private func read(
        _ name: String, _ parts: [(part: StoredPart, shape: [Int])], into tensors: inout [StoredPart: Tensor]
    ) throws(LensError) {
        guard let first = parts.first else { return }
        let shape = first.part.storedShape(first.shape)
        var stored = Tensor(uninitialized: shape)
        let count = stored.count
        try stored.withMutablePointer { (pointer) throws(LensError) in
            try source.read(name, expectedShape: shape, into: UnsafeMutableBufferPointer(start: pointer, count: count))
        }
        for (part, shape) in parts {
            var tensor = stored.reshaped(part.isWhole ? shape : stored.shape)
            if !part.isWhole {
                tensor = Tensor(uninitialized: shape)
                tensor.withMutablePointer { target in
                    stored.withPointer { part.copy($0, shape: shape, to: target) }
                }
            }
            if part.offset != 0 { tensor.add(part.offset) }
            tensors[part] = tensor
        }
    }
}

extension Tensor {
    fileprivate mutating func add(_ offset: Float) {
        let count = count
        withMutablePointer { for index in 0..<count { $0[index] += offset } }
    }
}
