import LensCore
import LensEngine
import LensStore
import LensWire

extension InferenceHandler {
    /// Sends tokens as they come, then what became of each prompt.
    func generate(
        _ request: GenerateRequest, _ context: CallContext, _ send: @escaping SendEvent<GenerateEvent>
    ) async throws {
        if request.isRecorded { try await checkSession(request.session, context) }
        let (engine, recipe) = try await prepare(request.model, request.prompts, request.interventions, context)
        var options = request.options
        // A retry must ask the same question.
        if options.seed == nil, !context.requestID.isEmpty { options.seed = Self.seed(of: context.requestID) }
        guard request.isRecorded else {
            return try await finish(try await generate(options, recipe: recipe, on: engine, context, send), send)
        }
        let earlier = try await earlierResult(of: recipe, .generation(options), context)
        if case .generation(let earlier) = earlier { return try await replay(earlier, send) }
        let reply = try await generate(options, recipe: recipe, on: engine, context, send)
        try await finish(try await record(reply, of: request, recipe: recipe, isHooked: false, context), send)
    }

    /// Writes the run over the final tokens, whose activations are those of the generation.
    func record(
        _ reply: GenerateReply, of request: GenerateRequest, recipe: Recipe, isHooked: Bool, _ context: CallContext
    ) async throws(LensError) -> GenerateReply {
        var final = recipe
        final.tokens = reply.prompts.map { $0.tokens.map(\.id) }
        let run = NewRun(
            session: request.session, recipe: final, result: .generation(reply),
            excerpt: Self.excerpt(of: request.prompts, tokens: reply.prompts.first?.tokens), isHooked: isHooked,
            requestID: context.requestID)
        guard case .generation(let recorded) = try await store.record(run, owner: context.peer.userID).result else {
            throw LensError(.internal, "a generation was recorded as something else")
        }
        return recorded
    }

    /// Generates while another task sends what there is.
    private func generate(
        _ options: GenerationOptions, recipe: Recipe, on engine: Engine, _ context: CallContext,
        _ send: @escaping SendEvent<GenerateEvent>
    ) async throws -> GenerateReply {
        let outbox = GenerationOutbox()
        async let sending: Void = {
            do {
                while let tokens = await outbox.next() { try await send(.tokens(tokens)) }
            } catch {
                // Nobody hears the rest: the engine need not go on.
                context.control.cancel()
                throw error
            }
        }()
        let outcome: Result<GenerateReply, LensError>
        do {
            outcome = .success(
                try await engine.generate(options, recipe: recipe, control: context.control) { outbox.add($0) })
        } catch {
            outcome = .failure(error)
        }
        outbox.close()
        try await sending
        return try outcome.get()
    }

    func finish(_ reply: GenerateReply, _ send: SendEvent<GenerateEvent>) async throws {
        for (prompt, result) in reply.prompts.enumerated() { try await send(.result(prompt: prompt, result)) }
        var end = reply
        end.prompts = []
        try await send(.end(end))
    }

    /// An earlier generation as if it came now.
    private func replay(_ reply: GenerateReply, _ send: SendEvent<GenerateEvent>) async throws {
        for (prompt, result) in reply.prompts.enumerated() where !result.newTokens.isEmpty {
            try await send(
                .tokens([GeneratedTokens(prompt: prompt, tokens: result.newTokens, text: result.text)]))
        }
        try await finish(reply, send)
    }

    /// FNV-1a, cut to 53 bits so that any JSON holds it.
    private static func seed(of requestID: [UInt8]) -> UInt64 {
        requestID.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 } >> 11
    }
}
