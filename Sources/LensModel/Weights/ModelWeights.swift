import LensCore
import LensTensor

/// A model's parameters, in memory once: both forms of the model compute with these.
public typealias ModelWeights = ModelParts<Tensor>
public typealias BlockWeights = BlockParts<Tensor>

extension LinearParts where Part == Tensor {
    /// The matrix as products take it.
    var matrix: Weight { Weight(weight) }
}

extension ModelParts where Part == Tensor {
    /// A block's MLP.
    ///
    /// - Throws: `INTERNAL` where the model has none, which is our mistake.
    func mlp(_ layer: Int) throws(LensError) -> MLPParts<Tensor> {
        guard let mlp = blocks[layer].mlp else { throw LensError(.internal, "layer \(layer) has no MLP") }
        return mlp
    }

    /// How many numbers there are; what several parts share is counted once.
    ///
    /// - Parameter configuration: the model's.
    func parameterCount(_ configuration: ModelConfiguration) -> Int {
        var seen: Set<UnsafePointer<Float>> = []
        var total = 0
        // Nothing in here can fail.
        _ = try? map(configuration) { (tensor, _) throws(LensError) in
            if seen.insert(tensor.withPointer { $0 }).inserted { total += tensor.count }
        }
        return total
    }
}
