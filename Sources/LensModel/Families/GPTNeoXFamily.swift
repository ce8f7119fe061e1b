import LensCore

/// GPT-NeoX and Pythia: attention and MLP side by side, a part of each head turned.
enum GPTNeoXFamily: ModelFamily {
    static let architectures = ["GPTNeoXForCausalLM"]
    static let prefix = "gpt_neox."
    static let tiedHead = ["embed_out.weight", "lm_head.weight"]

    static func configuration(_ keys: ConfigurationKeys) throws(LensError) -> ModelConfiguration {
        let dHead = try keys.headWidth("hidden_size", heads: "num_attention_heads")
        var c = ModelConfiguration(
            originalArchitecture: "GPTNeoXForCausalLM",
            nLayers: try keys.layers("num_hidden_layers"),
            nHeads: try keys.width("num_attention_heads"),
            dModel: try keys.width("hidden_size"),
            dHead: dHead,
            dMLP: try keys.width("intermediate_size"),
            nCtx: try keys.width("max_position_embeddings"),
            dVocab: try keys.vocabulary())
        c.positionalEmbedding = .rotary(try keys.rotary(dHead: dHead, share: 0.25, context: c.nCtx))
        c.parallelAttnMLP = try keys.flag("use_parallel_residual", default: true)
        c.actFn = try keys.activation("hidden_act")
        c.eps = try keys.epsilon("layer_norm_eps")
        c.tiedEmbedding = try keys.flag("tie_word_embeddings", default: false)
        return c
    }

    static func parts(
        _ c: ModelConfiguration, _ keys: ConfigurationKeys
    ) throws(LensError) -> ModelParts<StoredPart> {
        let hasBias = try keys.flag("attention_bias", default: true)
        let embed: StoredPart = "gpt_neox.embed_in.weight"
        return ModelParts(
            embed: embed,
            blocks: (0..<c.nLayers).map { layer in
                let block = "gpt_neox.layers.\(layer)"
                /// Each head's queries, keys and values stand together.
                func part(_ index: Int) -> LinearParts<StoredPart> {
                    .linear(
                        "\(block).attention.query_key_value", bias: hasBias,
                        rows: .interleaved(index, of: 3, heads: c.nHeads))
                }
                return BlockParts(
                    ln1: .norm("\(block).input_layernorm"),
                    query: part(0),
                    key: part(1),
                    value: part(2),
                    output: .linear("\(block).attention.dense", bias: hasBias),
                    ln2: .norm("\(block).post_attention_layernorm"),
                    mlp: MLPParts(
                        input: .linear("\(block).mlp.dense_h_to_4h"),
                        output: .linear("\(block).mlp.dense_4h_to_h")))
            },
            lnFinal: .norm("gpt_neox.final_layer_norm"),
            unembed: LinearParts(weight: c.tiedEmbedding ? embed : "embed_out.weight"))
    }

    /// Masks and the angles' frequencies.
    static func buffers(layer: Int) -> [String] {
        ["bias", "masked_bias", "rotary_emb.inv_freq"].map { "gpt_neox.layers.\(layer).attention.\($0)" }
    }
}
