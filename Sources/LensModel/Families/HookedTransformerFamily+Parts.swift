import LensCore

/// The names of a TransformerLens state dict.
extension HookedTransformerFamily {
    static func parts(
        _ c: ModelConfiguration, _ keys: ConfigurationKeys
    ) throws(LensError) -> ModelParts<StoredPart> {
        let names = StateDictNames(
            c, normalization: try keys.optional("normalization_type")?.string(),
            isGrouped: keys.optional("n_key_value_heads") != nil)
        return ModelParts(
            embed: "embed.W_E",
            embedNorm: c.postEmbeddingLn ? NormParts(weight: "embed.ln.w", bias: "embed.ln.b") : nil,
            posEmbed: c.positionalEmbedding.isLearned ? "pos_embed.W_pos" : nil,
            blocks: (0..<c.nLayers).map { names.block("blocks.\($0)") },
            lnFinal: names.norm("ln_final", isRMS: c.finalRMS),
            unembed: LinearParts(weight: StoredPart(name: "unembed.W_U", layout: .inputsFirst), bias: "unembed.b_U"))
    }

    /// Masks, angles, and the positions that ALiBi models have and do not use.
    static func buffers(layer: Int) -> [String] {
        ["mask", "IGNORE", "rotary_sin", "rotary_cos"].map { "blocks.\(layer).attn.\($0)" } + ["pos_embed.W_pos"]
    }
}

/// Which tensors a state dict has, by the configuration's norms and heads.
private struct StateDictNames {
    private let c: ModelConfiguration
    /// `LN`, `RMS`, the same with `Pre` where weights are folded, or `nil`.
    private let normalization: String?
    private let isGrouped: Bool

    init(_ c: ModelConfiguration, normalization: String?, isGrouped: Bool) {
        self.c = c
        self.normalization = normalization
        self.isGrouped = isGrouped
    }

    func block(_ name: String) -> BlockParts<StoredPart> {
        let after = c.normPlacement == .beforeAndAfter
        return BlockParts(
            ln1: norm("\(name).ln1"),
            ln1Post: after ? kept("\(name).ln1_post") : nil,
            query: heads("\(name).attn", "Q", c.nHeads),
            key: heads("\(name).attn", "K", c.nKeyValueHeads, isShared: isGrouped),
            value: heads("\(name).attn", "V", c.nKeyValueHeads, isShared: isGrouped),
            output: LinearParts(
                weight: StoredPart(name: "\(name).attn.W_O", layout: .inputsByHead(c.nHeads)),
                bias: StoredPart(name: "\(name).attn.b_O")),
            queryNorm: c.qkNorm == nil ? nil : NormParts(weight: StoredPart(name: "\(name).attn.q_norm.w")),
            keyNorm: c.qkNorm == nil ? nil : NormParts(weight: StoredPart(name: "\(name).attn.k_norm.w")),
            ln2: c.attnOnly ? nil : norm("\(name).ln2"),
            ln2Post: after && !c.attnOnly ? kept("\(name).ln2_post") : nil,
            mlp: c.attnOnly ? nil : mlp("\(name).mlp"))
    }

    /// A norm whose parameters go where the others' do.
    func norm(_ name: String, isRMS: Bool = false) -> NormParts<StoredPart>? {
        guard let normalization else { return nil }
        return normalization.hasSuffix("Pre") ? NormParts() : kept(name, isRMS: isRMS)
    }

    /// A norm that is never folded.
    private func kept(_ name: String, isRMS: Bool = false) -> NormParts<StoredPart> {
        let hasBias = c.normalizationType == .layerNorm && !isRMS
        return NormParts(weight: StoredPart(name: "\(name).w"), bias: hasBias ? StoredPart(name: "\(name).b") : nil)
    }

    /// `W_Q` and `b_Q` and the like; shared keys and values have an underscore in front.
    private func heads(
        _ name: String, _ letter: String, _ count: Int, isShared: Bool = false
    ) -> LinearParts<StoredPart> {
        let mark = isShared ? "_" : ""
        return LinearParts(
            weight: StoredPart(name: "\(name).\(mark)W_\(letter)", layout: .outputsByHead(count)),
            bias: StoredPart(name: "\(name).\(mark)b_\(letter)", layout: .outputsByHead(count)))
    }

    private func mlp(_ name: String) -> MLPParts<StoredPart> {
        func matrix(_ part: String) -> StoredPart { StoredPart(name: "\(name).\(part)", layout: .inputsFirst) }
        let inputBias = StoredPart(name: "\(name).b_in")
        // Of the norm inside it TransformerLens keeps parameters with unfolded layer norms only.
        let norm = normalization == "LN" ? kept("\(name).ln") : NormParts()
        return MLPParts(
            gate: c.gatedMLP ? LinearParts(weight: matrix("W_gate")) : nil,
            input: LinearParts(weight: matrix("W_in"), bias: c.gatedMLP ? nil : inputBias),
            postBias: c.gatedMLP ? inputBias : nil,
            norm: c.actFn.hasNorm ? norm : nil,
            output: LinearParts(weight: matrix("W_out"), bias: StoredPart(name: "\(name).b_out")))
    }
}
