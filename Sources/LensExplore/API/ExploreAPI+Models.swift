internal import LensClient
internal import LensCore
internal import LensReport

/// What there is to look at.
extension ExploreAPI {
    struct ModelRequest: Decodable {
        var model: String?
    }

    struct TokensRequest: Decodable {
        var model: String?
        var prompt: PromptWords
    }

    /// The models, and what the command line says to begin with.
    func hello() async throws -> ScriptJSON {
        async let status = connection.status()
        let list = try await connection.listModels()
        let start = ScriptJSON.object([
            ("model", .string(model.description)), ("prompt", prompt.map(ScriptJSON.prompt) ?? .null),
        ])
        let first = model.name == nil ? list.states.first(where: \.isDefault)?.name ?? "" : ""
        return .object([
            ("version", .string(lensdVersion)), ("daemon", .string("lensd/\(try await status.version.lensd)")),
            ("socket", .string(connection.path)), ("model", .string(first + model.description)),
            ("models", .array(list.resident.map { .model($0, .processed) })),
            // Those that are loaded when they are asked for, too.
            ("known", .array(list.states.map { .string($0.name) })), ("start", start),
        ])
    }

    func model(_ request: ModelRequest) async throws -> ScriptJSON {
        let reference = try ModelReference(named: request.model, default: model)
        return .model(try await connection.describeModel(reference).model, reference.form)
    }

    func tokens(_ request: TokensRequest) async throws -> ScriptJSON {
        let reply = try await connection.tokenize(
            TokenizeRequest(
                model: try ModelReference(named: request.model, default: model), prompts: [try request.prompt.prompt()])
        )
        return .object([("tokens", .tokens(reply.tokens.first ?? []))])
    }
}
