import LensCore

/// The models that the daemon runs, by the entry `architectures` of their `config.json`: for an import, which has no
/// families at hand, and before gigabytes are copied. A test holds it against the families.
public enum KnownArchitectures {
    public static let names = [
        "BloomForCausalLM", "GPT2LMHeadModel", "GPTJForCausalLM", "GPTNeoForCausalLM", "GPTNeoXForCausalLM",
        "Gemma2ForCausalLM", "GemmaForCausalLM", "HookedTransformer", "LlamaForCausalLM", "MistralForCausalLM",
        "OPTForCausalLM", "Olmo2ForCausalLM", "OlmoForCausalLM", "PhiForCausalLM", "Qwen2ForCausalLM",
        "Qwen3ForCausalLM", "StableLmForCausalLM",
    ]

    /// Holds a `config.json` against the list.
    ///
    /// - Throws: `UNIMPLEMENTED` naming an architecture that is not in it, `INVALID_ARGUMENT` where the key is missing.
    static func check(_ configuration: JSONObject) throws(LensError) {
        var found: [String] = []
        try configuration.required("architectures").forEachElement { element throws(LensError) in
            if found.count < 4 { found.append(try element.excerpt()) }
        }
        guard found.count == 1, names.contains(found[0]) else {
            throw .unimplemented(
                "not supported: architecture \(found.joined(separator: ", ")); expected one of "
                    + names.joined(separator: ", "))
        }
    }
}
