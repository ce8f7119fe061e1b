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
    var model: String?
    var prompt: PromptWords
    var edits: [PageEdit]?
}

/// What a call asks about a pass: the pass's members and the call's own stand side by side.
@dynamicMemberLookup
struct AboutPass<Question: Decodable & Sendable>: Decodable, Sendable {
    let pass: PassWords
    let question: Question

    init(from decoder: any Decoder) throws {
        pass = try PassWords(from: decoder)
        question = try Question(from: decoder)
    }

    subscript<Value>(dynamicMember member: KeyPath<Question, Value>) -> Value { question[keyPath: member] }
}

/// An edit as the page writes it: in the words of `lensctl --edit`, or a direction by its tokens.
enum PageEdit: Decodable, Sendable {
    case words(EditRecord)
    case direction(DirectionWords)

    private enum CodingKeys: CodingKey {
        case direction
    }

    init(from decoder: any Decoder) throws {
        let isDirection = try decoder.container(keyedBy: CodingKeys.self).contains(.direction)
        self = isDirection ? .direction(try DirectionWords(from: decoder)) : .words(try EditRecord(from: decoder))
    }
}

extension ExploreAPI {
    /// The pass that the page's words mean.
    ///
    /// - Throws: `INVALID_ARGUMENT` that says which part is wrong.
    func pass(_ words: PassWords) async throws(LensError) -> ExploredPass {
        let model = try ModelReference(named: words.model, default: model)
        var edits: [InterventionSpec] = []
        for (number, edit) in (words.edits ?? []).enumerated() {
            do throws(LensError) {
                switch edit {
                case .words(let record): edits.append(try record.words().spec(reading: NoFiles()))
                case .direction(let direction): edits.append(try await spec(of: direction, in: model))
                }
            } catch {
                throw LensError(error.code, "edit \(number + 1): \(error.message)", cause: error.cause)
            }
        }
        return ExploredPass(model: model, prompt: try words.prompt.prompt(), edits: edits)
    }

    /// The direction of one token's column of `W_U`, or from another's to it, at the length that was asked for.
    private func spec(of words: DirectionWords, in model: ModelReference) async throws(LensError) -> InterventionSpec {
        let direction = words.direction
        var vector = try await unembedding.column(
            try await connection.singleToken(direction.token, model: model), of: model)
        if let minus = direction.minus {
            let other = try await unembedding.column(
                try await connection.singleToken(minus, model: model), of: model)
            vector = zip(vector, other).map { $0 - $1 }
        }
        let length = vector.reduce(Float(0)) { $0 + $1 * $1 }.squareRoot()
        guard length > 0 else {
            throw .invalidArgument("there is no direction from '\(direction.token)' to itself")
        }
        return try words.edit(adding: vector.map { $0 / length * direction.scale }).spec(reading: NoFiles())
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
