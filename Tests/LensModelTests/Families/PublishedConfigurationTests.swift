import LensCheckpoint
import LensCore
import LensModel
import Testing

/// Configurations in the spelling of published folders, most of them older than that of today's transformers.
struct PublishedConfigurationTests {
    /// What a test looks at.
    struct Facts: Sendable, Equatable {
        var heads: [Int]
        var widths: [Int]
        var rotary: Rotary?
        var eps: Float
        var act: ActivationFunction
        var tied: Bool
        /// Local layers and their window.
        var window: [Int] = []

        init(
            _ heads: [Int], _ widths: [Int], rotary: Rotary? = nil, eps: Float = 1e-5, act: ActivationFunction,
            tied: Bool, window: [Int] = []
        ) {
            self.heads = heads
            self.widths = widths
            self.rotary = rotary
            self.eps = eps
            self.act = act
            self.tied = tied
            self.window = window
        }

        init(_ c: ModelConfiguration) {
            heads = [c.nLayers, c.nHeads, c.nKeyValueHeads, c.dHead]
            widths = [c.dModel, c.dMLP, c.nCtx, c.dVocab]
            rotary = c.positionalEmbedding.rotary
            eps = c.eps
            act = c.actFn
            tied = c.tiedEmbedding
            let count = c.attnTypes.filter { $0 == .local }.count
            window = count == 0 ? [] : [count, c.windowSize]
        }
    }

    static let published: [(name: String, json: String, facts: Facts)] = [
        (
            "gpt2",
            #""architectures":["GPT2LMHeadModel"],"activation_function":"gelu_new","bos_token_id":50256,"eos_token_id":50256,"layer_norm_epsilon":1e-05,"model_type":"gpt2","n_ctx":1024,"n_embd":768,"n_head":12,"n_layer":12,"n_positions":1024,"vocab_size":50257"#,
            Facts([12, 12, 12, 64], [768, 3072, 1024, 50257], act: .geluNew, tied: true)
        ),
        (
            "pythia-70m",
            #""architectures":["GPTNeoXForCausalLM"],"bos_token_id":0,"eos_token_id":0,"hidden_act":"gelu","hidden_size":512,"intermediate_size":2048,"layer_norm_eps":1e-05,"max_position_embeddings":2048,"num_attention_heads":8,"num_hidden_layers":6,"rotary_emb_base":10000,"rotary_pct":0.25,"tie_word_embeddings":false,"use_parallel_residual":true,"vocab_size":50304"#,
            Facts([6, 8, 8, 64], [512, 2048, 2048, 50304], rotary: Rotary(dim: 16), act: .gelu, tied: false)
        ),
        (
            "Llama-2-7b",
            #""architectures":["LlamaForCausalLM"],"bos_token_id":1,"eos_token_id":2,"hidden_act":"silu","hidden_size":4096,"intermediate_size":11008,"max_position_embeddings":4096,"num_attention_heads":32,"num_hidden_layers":32,"num_key_value_heads":32,"pretraining_tp":1,"rms_norm_eps":1e-05,"rope_scaling":null,"tie_word_embeddings":false,"torch_dtype":"float16","vocab_size":32000"#,
            Facts([32, 32, 32, 128], [4096, 11008, 4096, 32000], rotary: Rotary(dim: 128), act: .silu, tied: false)
        ),
        (
            "Llama-3.2-1B",
            #""architectures":["LlamaForCausalLM"],"attention_bias":false,"bos_token_id":128000,"eos_token_id":[128001,128008,128009],"head_dim":64,"hidden_act":"silu","hidden_size":2048,"intermediate_size":8192,"max_position_embeddings":131072,"mlp_bias":false,"num_attention_heads":32,"num_hidden_layers":16,"num_key_value_heads":8,"rms_norm_eps":1e-05,"rope_scaling":{"factor":32.0,"high_freq_factor":4.0,"low_freq_factor":1.0,"original_max_position_embeddings":8192,"rope_type":"llama3"},"rope_theta":500000.0,"tie_word_embeddings":true,"vocab_size":128256"#,
            Facts(
                [16, 32, 8, 64], [2048, 8192, 131072, 128256],
                rotary: Rotary(
                    dim: 64, base: 500_000,
                    scaling: .llama3(
                        factor: 32, lowFrequencyFactor: 1, highFrequencyFactor: 4, originalContext: 8192)),
                act: .silu, tied: true)
        ),
        (
            "Mistral-7B-v0.1",
            #""architectures":["MistralForCausalLM"],"bos_token_id":1,"eos_token_id":2,"hidden_act":"silu","hidden_size":4096,"intermediate_size":14336,"max_position_embeddings":32768,"num_attention_heads":32,"num_hidden_layers":32,"num_key_value_heads":8,"rms_norm_eps":1e-05,"rope_theta":10000.0,"sliding_window":4096,"tie_word_embeddings":false,"vocab_size":32000"#,
            Facts(
                [32, 32, 8, 128], [4096, 14336, 32768, 32000], rotary: Rotary(dim: 128), act: .silu, tied: false,
                window: [32, 4096])
        ),
        (
            "Qwen2.5-0.5B",
            #""architectures":["Qwen2ForCausalLM"],"bos_token_id":151643,"eos_token_id":151643,"hidden_act":"silu","hidden_size":896,"intermediate_size":4864,"max_position_embeddings":32768,"max_window_layers":24,"num_attention_heads":14,"num_hidden_layers":24,"num_key_value_heads":2,"rms_norm_eps":1e-06,"rope_theta":1000000.0,"sliding_window":32768,"tie_word_embeddings":true,"use_sliding_window":false,"vocab_size":151936"#,
            Facts(
                [24, 14, 2, 64], [896, 4864, 32768, 151936], rotary: Rotary(dim: 64, base: 1_000_000), eps: 1e-6,
                act: .silu, tied: true)
        ),
        (
            "Qwen3-0.6B",
            #""architectures":["Qwen3ForCausalLM"],"attention_bias":false,"bos_token_id":151643,"eos_token_id":151645,"head_dim":128,"hidden_act":"silu","hidden_size":1024,"intermediate_size":3072,"max_position_embeddings":40960,"max_window_layers":28,"num_attention_heads":16,"num_hidden_layers":28,"num_key_value_heads":8,"rms_norm_eps":1e-06,"rope_scaling":null,"rope_theta":1000000,"sliding_window":null,"tie_word_embeddings":true,"use_sliding_window":false,"vocab_size":151936"#,
            Facts(
                [28, 16, 8, 128], [1024, 3072, 40960, 151936], rotary: Rotary(dim: 128, base: 1_000_000), eps: 1e-6,
                act: .silu, tied: true)
        ),
        (
            "phi-2",
            #""architectures":["PhiForCausalLM"],"bos_token_id":50256,"eos_token_id":50256,"hidden_act":"gelu_new","hidden_size":2560,"intermediate_size":10240,"layer_norm_eps":1e-05,"max_position_embeddings":2048,"num_attention_heads":32,"num_hidden_layers":32,"num_key_value_heads":32,"partial_rotary_factor":0.4,"qk_layernorm":false,"rope_scaling":null,"rope_theta":10000.0,"tie_word_embeddings":false,"vocab_size":51200"#,
            Facts([32, 32, 32, 80], [2560, 10240, 2048, 51200], rotary: Rotary(dim: 32), act: .geluNew, tied: false)
        ),
        (
            "gpt-j-6b",
            #""architectures":["GPTJForCausalLM"],"activation_function":"gelu_new","bos_token_id":50256,"eos_token_id":50256,"layer_norm_epsilon":1e-05,"n_embd":4096,"n_head":16,"n_inner":null,"n_layer":28,"n_positions":2048,"rotary":true,"rotary_dim":64,"scale_attn_weights":true,"tie_word_embeddings":false,"vocab_size":50400"#,
            Facts(
                [28, 16, 16, 256], [4096, 16384, 2048, 50400], rotary: Rotary(dim: 64, adjacentPairs: true),
                act: .geluNew, tied: false)
        ),
        (
            "opt-125m",
            #""architectures":["OPTForCausalLM"],"_remove_final_layer_norm":false,"activation_function":"relu","bos_token_id":2,"do_layer_norm_before":true,"eos_token_id":2,"ffn_dim":3072,"hidden_size":768,"max_position_embeddings":2048,"num_attention_heads":12,"num_hidden_layers":12,"pad_token_id":1,"prefix":"</s>","vocab_size":50272,"word_embed_proj_dim":768"#,
            Facts([12, 12, 12, 64], [768, 3072, 2048, 50272], act: .relu, tied: true)
        ),
        (
            "bloom-560m",
            #""architectures":["BloomForCausalLM"],"apply_residual_connection_post_layernorm":false,"attention_softmax_in_fp32":true,"bos_token_id":1,"eos_token_id":2,"layer_norm_epsilon":1e-05,"masked_softmax_fusion":true,"n_embed":1024,"n_layer":24,"num_attention_heads":16,"pretraining_tp":1,"seq_length":2048,"skip_bias_add":true,"vocab_size":250880"#,
            Facts([24, 16, 16, 64], [1024, 4096, 2048, 250880], act: .geluFast, tied: true)
        ),
        (
            "gemma-7b",
            #""architectures":["GemmaForCausalLM"],"attention_bias":false,"bos_token_id":2,"eos_token_id":1,"head_dim":256,"hidden_act":"gelu","hidden_activation":null,"hidden_size":3072,"intermediate_size":24576,"max_position_embeddings":8192,"num_attention_heads":16,"num_hidden_layers":28,"num_key_value_heads":16,"rms_norm_eps":1e-06,"rope_scaling":null,"rope_theta":10000.0,"vocab_size":256000"#,
            Facts(
                [28, 16, 16, 256], [3072, 24576, 8192, 256000], rotary: Rotary(dim: 256), eps: 1e-6,
                act: .geluPytorchTanh, tied: true)
        ),
        (
            "gemma-2-2b",
            #""architectures":["Gemma2ForCausalLM"],"attention_bias":false,"attn_logit_softcapping":50.0,"bos_token_id":2,"cache_implementation":"hybrid","eos_token_id":1,"final_logit_softcapping":30.0,"head_dim":256,"hidden_act":"gelu_pytorch_tanh","hidden_activation":"gelu_pytorch_tanh","hidden_size":2304,"intermediate_size":9216,"max_position_embeddings":8192,"num_attention_heads":8,"num_hidden_layers":26,"num_key_value_heads":4,"query_pre_attn_scalar":256,"rms_norm_eps":1e-06,"rope_theta":10000.0,"sliding_window":4096,"vocab_size":256000"#,
            Facts(
                [26, 8, 4, 256], [2304, 9216, 8192, 256000], rotary: Rotary(dim: 256), eps: 1e-6,
                act: .geluPytorchTanh, tied: true, window: [13, 4096])
        ),
        (
            "stablelm-2-1_6b",
            #""architectures":["StableLmForCausalLM"],"bos_token_id":100257,"eos_token_id":100257,"hidden_act":"silu","hidden_size":2048,"intermediate_size":5632,"layer_norm_eps":1e-05,"max_position_embeddings":4096,"num_attention_heads":32,"num_hidden_layers":24,"num_key_value_heads":32,"partial_rotary_factor":0.25,"rope_theta":10000,"tie_word_embeddings":false,"use_qkv_bias":true,"vocab_size":100352"#,
            Facts([24, 32, 32, 64], [2048, 5632, 4096, 100352], rotary: Rotary(dim: 16), act: .silu, tied: false)
        ),
        (
            "OLMo-1B-hf",
            #""architectures":["OlmoForCausalLM"],"attention_bias":false,"clip_qkv":null,"eos_token_id":50279,"hidden_act":"silu","hidden_size":2048,"intermediate_size":8192,"max_position_embeddings":2048,"num_attention_heads":16,"num_hidden_layers":16,"num_key_value_heads":16,"rope_scaling":null,"rope_theta":10000.0,"tie_word_embeddings":true,"vocab_size":50304"#,
            Facts([16, 16, 16, 128], [2048, 8192, 2048, 50304], rotary: Rotary(dim: 128), act: .silu, tied: true)
        ),
        (
            "OLMo-2-1124-7B",
            #""architectures":["Olmo2ForCausalLM"],"attention_bias":false,"eos_token_id":100257,"hidden_act":"silu","hidden_size":4096,"intermediate_size":11008,"max_position_embeddings":4096,"num_attention_heads":32,"num_hidden_layers":32,"num_key_value_heads":32,"rms_norm_eps":1e-06,"rope_scaling":null,"rope_theta":500000,"tie_word_embeddings":false,"vocab_size":100352"#,
            Facts(
                [32, 32, 32, 128], [4096, 11008, 4096, 100352], rotary: Rotary(dim: 128, base: 500_000), eps: 1e-6,
                act: .silu, tied: false)
        ),
    ]

    @Test(arguments: published.map(\.name))
    func reads(name: String) throws {
        let entry = try #require(Self.published.first { $0.name == name })
        #expect(Facts(try read(entry.json)) == entry.facts)
    }

    @Test func readsWhatFactsLeaveOut() throws {
        func model(_ name: String, _ change: String = "") throws -> ModelConfiguration {
            try read(try #require(Self.published.first { $0.name == name }).json + change)
        }
        #expect(try model("pythia-70m").parallelAttnMLP)
        #expect(try model("gpt-j-6b").parallelAttnMLP)
        let bloom = try model("bloom-560m")
        #expect(bloom.positionalEmbedding == .alibi && bloom.postEmbeddingLn)
        #expect(try model("gemma-7b").embedScale == Float(3072).squareRoot())
        let gemma2 = try model("gemma-2-2b")
        #expect(gemma2.attnScoresSoftCap == 50 && gemma2.outputLogitsSoftCap == 30 && gemma2.attnScale == 1 / 16)
        #expect(gemma2.normPlacement == .beforeAndAfter && gemma2.attnTypes.prefix(2) == [.local, .global])
        #expect(gemma2.processingSteps == [.foldLn, .foldValueBiases])
        #expect(try model("Qwen3-0.6B").qkNorm == .perHead)
        let olmo2 = try model("OLMo-2-1124-7B")
        #expect(olmo2.normPlacement == .after && olmo2.qkNorm == .allHeads)
        #expect(olmo2.processingSteps == [.centerUnembed, .foldValueBiases])
        let scaled = try model("gpt2", #","scale_attn_by_inverse_layer_idx":true,"scale_attn_weights":false"#)
        #expect(scaled.scaleAttnByInverseLayerIdx && scaled.attnScale == 1)
        let clipped = try read(
            try #require(Self.published.first { $0.name == "OLMo-1B-hf" }).json
                .replacing(#""clip_qkv":null"#, with: #""clip_qkv":8"#))
        #expect(clipped.clipQKV == 8)
    }

    /// Without a key it is the default of transformers' class that holds; with null there is none of the thing.
    @Test func absentKeysAreTheClasssDefaults() throws {
        func windows(_ name: String, _ key: String) throws -> [Int] {
            Facts(try read(without(key, try changed(name, "")))).window
        }
        #expect(try windows("Mistral-7B-v0.1", "sliding_window") == [32, 4096])
        #expect(try Facts(read(changed("Mistral-7B-v0.1", #""sliding_window":null"#))).window == [])
        let qwen = try changed("Qwen2.5-0.5B", #""use_sliding_window":true"#)
            .replacing(#""num_hidden_layers":24"#, with: #""num_hidden_layers":30"#)
        #expect(try Facts(read(without("max_window_layers", qwen))).window.first == 2)
        #expect(try Facts(read(without("max_window_layers", without("sliding_window", qwen)))).window == [2, 4096])
        #expect(try windows("gemma-2-2b", "sliding_window") == [13, 4096])

        let gemma = try read(
            without("attn_logit_softcapping", without("final_logit_softcapping", changed("gemma-2-2b", ""))))
        #expect(gemma.attnScoresSoftCap == 50 && gemma.outputLogitsSoftCap == 30)
        let uncapped = try read(changed("gemma-2-2b", #""attn_logit_softcapping":null"#))
        #expect(uncapped.attnScoresSoftCap == nil)
    }

    /// The attention factors of `_compute_yarn_parameters` of transformers 5.23.
    @Test(arguments: [
        ("", 1.138629436111989), (#","mscale":1.0"#, 1.138629436111989),
        (#","mscale":1.0,"mscale_all_dim":0"#, 1.138629436111989),
        (#","mscale":1.0,"mscale_all_dim":0.8"#, 1.0249579607969668),
        (#","mscale":2,"mscale_all_dim":1"#, 1.121751143713058),
        (#","mscale":1.0,"mscale_all_dim":0.8,"attention_factor":1.5"#, 1.5),
    ])
    func yarnsScales(keys: String, factor: Double) throws {
        let scaling = #""rope_scaling":{"rope_type":"yarn","factor":4,"original_max_position_embeddings":64\#(keys)}"#
        let rotary = try read(changed("Llama-2-7b", scaling)).positionalEmbedding.rotary
        guard case .yarn(_, let found, _, _, _, _) = rotary?.scaling else {
            Issue.record("no YaRN")
            return
        }
        #expect(abs(found - factor) < 1e-9)
    }

    /// What a family cannot be, by the key that asks for it.
    @Test(arguments: [
        ("gpt2", #""add_cross_attention":true"#, "add_cross_attention true is not supported; expected false"),
        ("Llama-2-7b", #""mlp_bias":true"#, "mlp_bias true is not supported"),
        ("phi-2", #""qk_layernorm":true"#, "qk_layernorm true is not supported"),
        ("stablelm-2-1_6b", #""qk_layernorm":true"#, "qk_layernorm true is not supported"),
        ("opt-125m", #""do_layer_norm_before":false"#, "do_layer_norm_before false is not supported"),
        (
            "opt-125m", #""word_embed_proj_dim":512"#,
            "word_embed_proj_dim 512 is not supported; expected hidden_size 768"
        ),
        ("opt-125m", #""_remove_final_layer_norm":true"#, "_remove_final_layer_norm true is not supported"),
        ("opt-125m", #""enable_bias":false"#, "enable_bias false is not supported"),
        ("bloom-560m", #""apply_residual_connection_post_layernorm":true"#, "is not supported; expected false"),
        ("gpt-j-6b", #""activation_function":"quick_gelu""#, "activation_function 'quick_gelu' is not supported"),
        ("Llama-2-7b", #""rope_scaling":{"type":"longrope"}"#, "'longrope' is not supported"),
        ("Qwen3-0.6B", #""layer_types":["linear_attention"]"#, "layer_types 'linear_attention' is not supported"),
        (
            "Llama-2-7b", #""quantization_config":{"quant_method":"gptq"}"#,
            "quantization_config 'gptq' is not supported"
        ),
        ("Llama-2-7b", #""architectures":["MixtralForCausalLM"]"#, "MixtralForCausalLM, a mixture of experts"),
        ("Llama-2-7b", #""architectures":["BertForMaskedLM"]"#, "BertForMaskedLM, an encoder model"),
        ("gemma-7b", #""use_bidirectional_attention":true"#, "use_bidirectional_attention true is not supported"),
    ])
    func namesWhatIsNotSupported(name: String, change: String, says: String) throws {
        let error = #expect(throws: LensError.self) { try read(changed(name, change)) }
        #expect(error?.code == .unimplemented)
        #expect(error?.message.contains(says) == true, "\(error?.message ?? "")")
    }

    @Test(arguments: [
        ("Qwen2.5-0.5B", #""layer_types":["full_attention"]"#, "layer_types must name num_hidden_layers 24 layers"),
        ("gemma-7b", #""head_dim":0"#, "head_dim must be in"),
        ("gemma-2-2b", #""query_pre_attn_scalar":-1"#, "query_pre_attn_scalar must be positive; received -1"),
        ("gemma-2-2b", #""attn_logit_softcapping":0"#, "attn_logit_softcapping must be positive"),
        ("gpt-j-6b", #""rotary_dim":300"#, "rotary_dim must be even and in 2...256; received 300"),
        ("Llama-2-7b", #""num_key_value_heads":5"#, "n_heads must be a multiple of n_key_value_heads 5"),
        ("pythia-70m", #""rotary_pct":1.5"#, "partial_rotary_factor must be over 0 and at most 1"),
        ("Llama-2-7b", #""rope_scaling":{"type":"linear","factor":-2}"#, "factor must be positive; received -2"),
        ("Llama-2-7b", #""rope_scaling":{"rope_type":"llama3"}"#, "lacks the key 'factor'"),
        ("Mistral-7B-v0.1", #""sliding_window":0"#, "sliding_window must be in"),
        ("OLMo-1B-hf", #""clip_qkv":-1"#, "clip_qkv must be positive"),
    ])
    func namesWhatIsWrong(name: String, change: String, says: String) throws {
        let error = #expect(throws: LensError.self) { try read(changed(name, change)) }
        #expect(error?.code == .invalidArgument)
        #expect(error?.message.contains(says) == true, "\(error?.message ?? "")")
    }

    // MARK: Support

    private func read(_ members: String) throws -> ModelConfiguration {
        let bytes = Array("{\(members)}".utf8)
        return try HuggingFaceConfiguration(reading: NamedBytes(name: "config.json", bytes: bytes)).model
    }

    /// A configuration without one key, whose value is a number or null.
    private func without(_ key: String, _ json: String) throws -> String {
        let member = try #require(json.firstRange(of: "\"\(key)\":"))
        let end = json[member.upperBound...].firstIndex(of: ",") ?? json.endIndex
        return String(json[..<member.lowerBound]) + "\"no_\(key)\":0" + json[end...]
    }

    /// A published configuration with one member set.
    private func changed(_ name: String, _ member: String) throws -> String {
        let json = try #require(Self.published.first { $0.name == name }).json
        if member.isEmpty { return json }
        let key = try #require(member.split(separator: ":").first)
        guard let found = json.firstRange(of: "\(key):") else { return "\(json),\(member)" }
        // The value ends at the next comma outside brackets.
        var (end, depth) = (found.upperBound, 0)
        while end < json.endIndex, depth > 0 || json[end] != "," {
            if "[{".contains(json[end]) { depth += 1 }
            if "]}".contains(json[end]) { depth -= 1 }
            end = json.index(after: end)
        }
        return String(json[..<found.lowerBound]) + member + json[end...]
    }
}
