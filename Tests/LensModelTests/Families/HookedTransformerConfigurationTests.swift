import LensCheckpoint
import LensCore
import LensModel
import LensTestSupport
import Testing

/// `HookedTransformerConfig` as a `config.json`.
struct HookedTransformerConfigurationTests {
    @Test func readsToyModels() throws {
        let attention = try model("toy-attn-only-2l")
        #expect(attention.attnOnly && attention.dMLP == 0 && attention.normalizationType == .layerNorm)
        #expect(attention.attnScale == 1 / Float(8).squareRoot())
        #expect(try model("toy-attn-only-no-norm-1l").normalizationType == .none)
        let solu = try model("toy-solu-1l-final-rms")
        #expect(solu.actFn == .soluLn && solu.finalRMS)
        #expect(solu.processingSteps == [.foldLn, .centerUnembed, .foldValueBiases])
        let shortformer = try model("toy-shortformer-2l")
        #expect(shortformer.positionalEmbedding == .shortformer && shortformer.processingSteps == [.foldValueBiases])
        let gated = try model("toy-rms-gated-2l")
        #expect(gated.gatedMLP && gated.parallelAttnMLP && gated.nKeyValueHeads == 2 && gated.nHeads == 4)
        #expect(gated.positionalEmbedding == .rotary(Rotary(dim: 4, adjacentPairs: true)))
    }

    @Test func readsSwitches() throws {
        let c = try read(
            #""use_attn_scale":false,"use_local_attn":true,"attn_types":["global","local"],"window_size":3,"#
                + #""scale_attn_by_inverse_layer_idx":true,"output_logits_soft_cap":30,"attn_scores_soft_cap":-1.0,"#
                + #""use_normalization_before_and_after":true,"normalization_type":"RMS","use_qk_norm":true,"#
                + #""positional_embedding_type":"rotary","rotary_dim":2,"rotary_base":500,"use_NTK_by_parts_rope":true,"#
                + #""NTK_by_parts_factor":4,"NTK_original_ctx_len":16,"default_prepend_bos":false"#)
        #expect(c.attnScale == 1 && c.attnTypes == [.global, .local] && c.windowSize == 3)
        #expect(c.scaleAttnByInverseLayerIdx && c.outputLogitsSoftCap == 30 && c.attnScoresSoftCap == nil)
        #expect(c.normPlacement == .beforeAndAfter && c.qkNorm == .perHead && !c.defaultPrependBOS)
        let scaling = Rotary.Scaling.llama3(
            factor: 4, lowFrequencyFactor: 1, highFrequencyFactor: 4, originalContext: 16)
        #expect(c.positionalEmbedding == .rotary(Rotary(dim: 2, base: 500, scaling: scaling)))
        let olmo = try read(#""original_architecture":"Olmo2ForCausalLM","normalization_type":"RMS""#)
        #expect(olmo.normPlacement == .after && olmo.qkNorm == .allHeads)
        #expect(try read(#""attn_scale":3.0"#).attnScale == 1 / 3)
        #expect(try read(#""attn_scale":-1.0"#).attnScale == 0.5)
    }

    @Test(arguments: [
        (#""attention_dir":"bidirectional""#, "attention_dir 'bidirectional' is not supported; expected 'causal'"),
        (#""positional_embedding_type":"relative_positional_bias""#, "is not supported; expected 'standard', 'rotary'"),
        (#""positional_embedding_type":"alibi","n_heads":3"#, "n_heads 3 is not supported with positional_embedding"),
        (#""normalization_type":"batch""#, "normalization_type 'batch' is not supported; expected 'LN', 'LNPre'"),
        (#""act_fn":"xielu""#, "act_fn 'xielu' is not supported; expected one of"),
        (#""d_vocab_out":7"#, "d_vocab_out 7 is not supported; expected d_vocab, 16"),
        (#""use_attention_sinks":true"#, "use_attention_sinks true is not supported"),
        (#""use_logn_attn":true"#, "use_logn_attn true is not supported"),
        (#""rotary_base_local":10000"#, "rotary_base_local is not supported; expected null"),
    ])
    func namesWhatIsNotSupported(change: String, says: String) throws {
        let error = #expect(throws: LensError.self) { try read(change) }
        #expect(error?.code == .unimplemented)
        #expect(error?.message.contains(says) == true, "\(error?.message ?? "")")
    }

    // MARK: Support

    private func model(_ name: String) throws -> ModelConfiguration {
        try HuggingFaceConfiguration(reading: Fixtures.folder("families/\(name)").configuration).model
    }

    /// A small configuration with some members set.
    private func read(_ changes: String) throws -> ModelConfiguration {
        let plain = [
            "n_layers": "2", "d_model": "8", "n_ctx": "8", "d_head": "4", "n_heads": "2", "d_mlp": "16",
            "d_vocab": "16", "act_fn": #""relu""#, "eps": "1e-5", "normalization_type": #""LN""#,
        ]
        let kept = plain.filter { !changes.contains("\"\($0.key)\":") }.map { "\"\($0.key)\":\($0.value)" }
        let members = [#""architectures":["HookedTransformer"]"#, changes] + kept
        let bytes = Array("{\(members.joined(separator: ","))}".utf8)
        return try HuggingFaceConfiguration(reading: NamedBytes(name: "config.json", bytes: bytes)).model
    }
}
