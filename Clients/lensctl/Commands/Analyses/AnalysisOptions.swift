import ArgumentParser
import LensClient
import LensCore

/// The pass that an analysis looks at: a prompt, run under edits.
struct AnalysisOptions: ParsableArguments {
    @OptionGroup var input: PromptOptions
    @OptionGroup var edits: EditOptions

    func validate() throws { try input.validateIsGiven() }

    func source(of model: ModelReference) throws(LensError) -> PassSource {
        .prompts(model, [try input.prompt()], try edits.words().specs())
    }
}

extension JSON {
    /// What every analysis says first: what it was made from.
    static func stamp(
        model: String, form: ModelReference.Form, fingerprint: String, tokens: [Token]
    ) -> [(String, JSON)] {
        [
            ("schema", .integer(1)), ("model", .string(ModelReference(name: model, form: form).description)),
            ("fingerprint", .string(fingerprint)), ("tokens", JSON.tokens(tokens)),
        ]
    }
}
