internal import LensClient
internal import LensCore

/// A prompt as the page writes it: `{"text": "…", "prepend_bos": true}` or `{"tokens": [5, 7, 9]}`.
struct PromptWords: Decodable, Sendable {
    var text: String?
    var tokens: [Int32]?
    var prependBOS: Bool?

    private enum CodingKeys: String, CodingKey {
        case text, tokens
        case prependBOS = "prepend_bos"
    }

    /// - Throws: `INVALID_ARGUMENT` unless it is one of the two.
    func prompt() throws(LensError) -> Prompt {
        switch (text, tokens) {
        case (let text?, nil): .text(text, prependBOS: prependBOS ?? true)
        case (nil, let tokens?): .tokens(tokens)
        default: throw .invalidArgument("a prompt has either 'text' or 'tokens'")
        }
    }
}

/// The pass that a call is about, as the page writes it: a model, a prompt and edits.
struct PassWords: Decodable, Sendable {
    private var model: String?
    private var prompt: PromptWords
    private var edits: [EditRecord]?

    /// - Parameter model: meant where the words name none.
    /// - Throws: `INVALID_ARGUMENT` that says which part is wrong.
    func pass(defaultModel: ModelReference) throws(LensError) -> ExploredPass {
        var specs: [InterventionSpec] = []
        for (number, record) in (edits ?? []).enumerated() {
            do throws(LensError) {
                specs.append(try record.words().spec(reading: NoFiles()))
            } catch {
                throw LensError(error.code, "edit \(number + 1): \(error.message)")
            }
        }
        return ExploredPass(
            model: try ModelReference(named: model, default: defaultModel), prompt: try prompt.prompt(), edits: specs)
    }
}

extension ModelReference {
    /// What a page's `model` means; nothing and an empty name mean the default.
    init(named name: String?, default other: ModelReference) throws(LensError) {
        guard let name, !name.isEmpty else {
            self = other
            return
        }
        self = try ModelReference(parsing: name)
    }
}

/// A page has no files: what it wants put in, it brings along.
private struct NoFiles: EditFiles {
    func operand(at path: String) throws(LensError) -> Operand { throw Self.refusal(path) }
    func prompts(at path: String) throws(LensError) -> [Prompt] { throw Self.refusal(path) }

    private static func refusal(_ path: String) -> LensError {
        .invalidArgument("an edit of the page brings its values along, as numbers; received the file '\(path)'")
    }
}

/// One prompt of a model under edits.
struct ExploredPass: Sendable {
    let model: ModelReference
    let prompt: Prompt
    let edits: [InterventionSpec]

    /// The same without edits.
    var base: ExploredPass { ExploredPass(model: model, prompt: prompt, edits: []) }

    /// What queries read; never recorded, as whoever looks around types much.
    var source: PassSource { .prompts(model, [prompt], edits) }

    func gradient(_ terms: [GradientTerm], of hooks: [String]) -> GradientRequest {
        GradientRequest(model: model, prompts: [prompt], interventions: edits, terms: terms, wanted: hooks)
    }

    func sweep(_ spec: SweepSpec) -> SweepRequest {
        SweepRequest(model: model, prompts: [prompt], interventions: edits, sweep: spec, isRecorded: false)
    }
}
