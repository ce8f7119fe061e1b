import LensCheckpoint
import LensCore
import LensTensor

/// Where a GPT-Neo checkpoint keeps what ``ModelWeights`` names.
///
/// Names as `transformers`' `GPTNeoForCausalLM` saves them, with or without the `transformer.` prefix.
struct GPTNeoCheckpoint {
    private let source: any TensorSource
    private let prefix: String
    private let configuration: ModelConfiguration

    init(_ source: any TensorSource, configuration: ModelConfiguration) {
        self.source = source
        self.configuration = configuration
        prefix = source.info(of: "transformer.wte.weight") != nil ? "transformer." : ""
    }

    /// Reads every tensor and refuses a file that lacks one or has one that is not known.
    ///
    /// - Throws: `INVALID_ARGUMENT` naming the tensor, and the shape that was expected and found.
    func read() throws(LensError) -> ModelWeights {
        try checkNames()
        let c = configuration
        let embed = try weight("wte", c.dVocab, c.dModel)
        var blocks: [BlockWeights] = []
        for layer in 0..<c.nLayers { blocks.append(try block(layer)) }
        return ModelWeights(
            embed: embed,
            posEmbed: try tensor("wpe.weight", [c.nCtx, c.dModel]),
            blocks: blocks,
            lnFinal: try norm("ln_f"),
            unembed: c.tiedEmbedding ? embed : Weight(try tensor(full: "lm_head.weight", [c.dVocab, c.dModel])))
    }

    private func block(_ layer: Int) throws(LensError) -> BlockWeights {
        let c = configuration
        let h = "h.\(layer)"
        let width = c.nHeads * c.dHead
        return BlockWeights(
            ln1: try norm("\(h).ln_1"),
            query: try weight("\(h).attn.attention.q_proj", width, c.dModel),
            key: try weight("\(h).attn.attention.k_proj", width, c.dModel),
            value: try weight("\(h).attn.attention.v_proj", width, c.dModel),
            output: try weight("\(h).attn.attention.out_proj", c.dModel, width),
            outputBias: try tensor("\(h).attn.attention.out_proj.bias", [c.dModel]),
            ln2: try norm("\(h).ln_2"),
            mlpIn: try weight("\(h).mlp.c_fc", c.dMLP, c.dModel),
            mlpInBias: try tensor("\(h).mlp.c_fc.bias", [c.dMLP]),
            mlpOut: try weight("\(h).mlp.c_proj", c.dModel, c.dMLP),
            mlpOutBias: try tensor("\(h).mlp.c_proj.bias", [c.dModel]))
    }

    private func norm(_ name: String) throws(LensError) -> NormWeights {
        NormWeights(
            weight: try tensor("\(name).weight", [configuration.dModel]),
            bias: try tensor("\(name).bias", [configuration.dModel]))
    }

    private func weight(_ name: String, _ outputs: Int, _ inputs: Int) throws(LensError) -> Weight {
        Weight(try tensor("\(name).weight", [outputs, inputs]))
    }

    private func tensor(_ name: String, _ shape: [Int]) throws(LensError) -> Tensor {
        try tensor(full: prefix + name, shape)
    }

    private func tensor(full name: String, _ shape: [Int]) throws(LensError) -> Tensor {
        // Nothing is allocated for a shape that the file does not have: reading says so.
        guard source.info(of: name)?.shape == shape else {
            try source.read(name, expectedShape: shape, into: UnsafeMutableBufferPointer(start: nil, count: 0))
            throw .invalidArgument("\(source.name): tensor '\(name)' does not have shape \(shape)")
        }
        var tensor = Tensor(uninitialized: shape)
        let count = tensor.count
        try tensor.withMutablePointer { (pointer) throws(LensError) in
            try source.read(name, expectedShape: shape, into: UnsafeMutableBufferPointer(start: pointer, count: count))
        }
        return tensor
    }

    // MARK: - Names

    /// An extra tensor means that the file belongs to another model than `config.json` describes.
    private func checkNames() throws(LensError) {
        var known: Set<String> = ["lm_head.weight"]
        known.formUnion(["wte.weight", "wpe.weight", "ln_f.weight", "ln_f.bias"].map { prefix + $0 })
        let perLayer = [
            "ln_1.weight", "ln_1.bias", "ln_2.weight", "ln_2.bias",
            "attn.attention.q_proj.weight", "attn.attention.k_proj.weight", "attn.attention.v_proj.weight",
            "attn.attention.out_proj.weight", "attn.attention.out_proj.bias",
            "mlp.c_fc.weight", "mlp.c_fc.bias", "mlp.c_proj.weight", "mlp.c_proj.bias",
            // Masks that older versions of transformers saved; constants, not parameters.
            "attn.attention.bias", "attn.attention.masked_bias",
        ]
        for layer in 0..<configuration.nLayers {
            known.formUnion(perLayer.map { "\(prefix)h.\(layer).\($0)" })
        }
        if let extra = source.names.first(where: { !known.contains($0) }) {
            throw .invalidArgument(
                "\(source.name): tensor '\(extra)' is none of a GPT-Neo of \(configuration.nLayers) layers; "
                    + "do config.json and the weights belong together?")
        }
    }
}
