import LensCheckpoint
import LensCore
import LensModel
import LensTestSupport
import Testing

struct HuggingFaceConfigurationTests {
    @Test func readsCheckpoints() throws {
        let local = try HuggingFaceConfiguration(reading: Fixtures.folder("gpt-neo-3l-local").configuration)
        var expected = ModelConfiguration(
            originalArchitecture: "GPTNeoForCausalLM", nLayers: 3, nHeads: 4, dModel: 32, dHead: 8, dMLP: 80, nCtx: 32,
            dVocab: 280)
        expected.attnScale = 1
        expected.attnTypes = [.global, .local, .global]
        expected.windowSize = 5
        #expect(local.model == expected)
        #expect(local.bosTokenID == 0 && local.eosTokenID == 0)
        let main = try HuggingFaceConfiguration(reading: Fixtures.folder("gpt-neo-1l-16h").configuration).model
        #expect(main.dMLP == 256 && main.nHeads == 16 && main.dHead == 4 && main.attnTypes == [.global])
        let untied = try HuggingFaceConfiguration(reading: Fixtures.folder("gpt-neo-1l-untied").configuration).model
        #expect(!untied.tiedEmbedding && untied.dMLP == 40)
    }

    @Test func defaults() throws {
        let configuration = try read([:], without: ["intermediate_size", "tie_word_embeddings", "window_size"])
        #expect(configuration.model.dMLP == 4 * 8)
        #expect(configuration.model.tiedEmbedding)
        #expect(configuration.model.windowSize == 256)
        #expect(configuration.bosTokenID == nil)
        #expect(
            try read(["attention_types": #"[[["global","local"],2],[["local"],0]]"#, "num_layers": "4"]).model.attnTypes
                == [.global, .local, .global, .local])
    }

    @Test(arguments: [
        (
            "architectures", #"["NoSuchForCausalLM"]"#,
            "not supported: architecture NoSuchForCausalLM; expected one of "
        ),
        (
            "architectures", #"["GPTNeoForCausalLM","GPT2LMHeadModel"]"#,
            "not supported: architecture GPTNeoForCausalLM, GPT2"
        ),
        ("architectures", #"["MixtralForCausalLM"]"#, "not supported: MixtralForCausalLM, a mixture of experts"),
        ("architectures", #"["BertForMaskedLM"]"#, "not supported: BertForMaskedLM, an encoder model"),
        ("num_experts", "8", "not supported: GPTNeoForCausalLM with several experts"),
        (
            "activation_function", #""mish""#,
            "config.json: activation_function 'mish' is not supported; expected one of 'gelu_new', "
        ),
        ("attention_types", #"[[["sparse"],2]]"#, "config.json: attention_types 'sparse' is not supported"),
    ])
    func namesWhatIsNotSupported(key: String, value: String, says: String) throws {
        let error = #expect(throws: LensError.self) { try read([key: value]) }
        #expect(error?.code == .unimplemented)
        #expect(error?.message.contains(says) == true, "\(error?.message ?? "")")
    }

    @Test(arguments: [
        ("hidden_size", "-8", "config.json: hidden_size must be in 1...1048576; received -8"),
        ("hidden_size", "0", "hidden_size must be in"),
        ("hidden_size", "9223372036854775807", "hidden_size must be in"),
        ("hidden_size", "99999999999999999999", "hidden_size must be an integer of 64 bits"),
        ("hidden_size", "8.0", "hidden_size must be an integer of 64 bits; received 8.0"),
        ("hidden_size", #""8""#, "hidden_size must be a number; found a string"),
        ("hidden_size", "null", "hidden_size must not be null"),
        ("hidden_size", "7", "hidden_size must be divisible by num_heads 2; received 7"),
        ("num_layers", "0", "num_layers must be in 1...1024; received 0"),
        ("num_layers", "1025", "num_layers must be in 1...1024"),
        ("num_layers", "3", "attention_types must name as many layers as num_layers, 3; it names 2"),
        ("num_heads", "0", "num_heads must be in"),
        ("vocab_size", "-1", "vocab_size must be in"),
        ("max_position_embeddings", "true", "max_position_embeddings must be a number; found a boolean"),
        ("layer_norm_epsilon", "0", "layer_norm_epsilon must be over 0 and at most 1"),
        ("layer_norm_epsilon", "1e999", "layer_norm_epsilon must be a finite number"),
        ("window_size", "0", "window_size must be in"),
        ("intermediate_size", "-4", "intermediate_size must be in"),
        ("tie_word_embeddings", "1", "tie_word_embeddings must be a boolean; found a number"),
        ("bos_token_id", "16.5", "bos_token_id must be an integer of 64 bits"),
        ("eos_token_id", #""16""#, "eos_token_id must be a number; found a string"),
        ("attention_types", "[]", "attention_types must name as many layers"),
        ("attention_types", #"[["global",2]]"#, "attention_types must be an array; found a string"),
        ("attention_types", #"[[["global"]]]"#, "attention_types must be a list of [[kind, …], count]"),
        ("attention_types", #"[[["global"],1000000000000]]"#, "attention_types must be in 0...1024"),
        ("architectures", "[]", "not supported: architecture"),
        ("architectures", "3", "architectures must be an array"),
    ])
    func namesWhatIsWrong(key: String, value: String, says: String) throws {
        let error = #expect(throws: LensError.self) { try read([key: value]) }
        #expect(error?.message.contains(says) == true, "\(error?.message ?? "")")
    }

    @Test(arguments: [
        "num_layers", "num_heads", "hidden_size", "vocab_size", "layer_norm_epsilon",
        "activation_function", "max_position_embeddings", "attention_types",
    ])
    func namesWhatIsMissing(key: String) throws {
        #expect(throws: LensError.invalidArgument("config.json lacks the key '\(key)'")) {
            try read([:], without: [key])
        }
    }

    /// A class's defaults stay in the file of a small model; transformers takes them for no tokens and warns.
    @Test func tokensOutsideTheVocabularyAreNone() throws {
        let found = try read(["bos_token_id": "50256", "eos_token_id": "[50256,3]"])
        #expect(found.bosTokenID == nil && found.eosTokenID == nil)
        #expect(
            found.notices == [
                "config.json: bos_token_id 50256 is outside the vocabulary of 16 tokens: taken for none",
                "config.json: eos_token_id 50256 is outside the vocabulary of 16 tokens: taken for none",
            ])
        let inside = try read(["bos_token_id": "15", "eos_token_id": "[3,99]"])
        #expect(inside.bosTokenID == 15 && inside.eosTokenID == 3 && inside.notices.isEmpty)
        #expect(try read(["bos_token_id": "-1"]).bosTokenID == nil)
    }

    /// An import knows as many.
    @Test func everyFamilyCanBeImported() {
        #expect(KnownArchitectures.names == HuggingFaceConfiguration.architectures)
    }

    @Test func saysWhatIsMissingInTheWordsOfTheFile() throws {
        let error = #expect(throws: LensError.self) {
            try read(["model_type": #""gpt_neo""#], without: ["architectures"])
        }
        let says = "config.json lacks the key 'architectures' (model_type is 'gpt_neo'); expected one of"
        #expect(error?.message.hasPrefix(says) == true)
    }

    // MARK: Support

    private static let fields = [
        "architectures": #"["GPTNeoForCausalLM"]"#, "num_layers": "2", "num_heads": "2", "hidden_size": "8",
        "vocab_size": "16", "layer_norm_epsilon": "1e-05", "activation_function": #""gelu_new""#,
        "max_position_embeddings": "4", "attention_types": #"[[["global"],2]]"#, "window_size": "3",
    ]

    private func read(_ changes: [String: String], without: [String] = []) throws -> HuggingFaceConfiguration {
        let fields = Self.fields.merging(changes) { $1 }.filter { !without.contains($0.key) }
        let text = "{" + fields.map { "\"\($0)\":\($1)" }.joined(separator: ",") + "}"
        return try HuggingFaceConfiguration(reading: NamedBytes(name: "config.json", bytes: Array(text.utf8)))
    }
}
