import LensCore
import LensEngine
import LensWire

/// Answers which models there are and what they look like; loads, unloads and renames them for the administrator.
struct ModelsHandler: Sendable {
    let models: ModelRegistry

    func list(_ context: CallContext) -> ModelList {
        models.list(for: context.caller)
    }

    func describe(_ model: ModelReference, _ context: CallContext) async throws(LensError) -> ModelDetail {
        let entry = try await models.use(model, by: context.caller, control: context.control)
        let isDefault = models.isDefault(entry.name, for: context.caller)
        return entry.detail(form: model.form, isDefault: isDefault)
    }

    /// Sends progress, of which only the newest where the client is slow, then the model.
    func load(
        _ request: ModelNameRequest, _ context: CallContext, _ send: @escaping SendEvent<LoadModelEvent>
    ) async throws {
        let (progress, source) = AsyncStream.makeStream(of: LoadProgress.self, bufferingPolicy: .bufferingNewest(1))
        async let sending: Void = {
            for await news in progress { try await send(.progress(news)) }
        }()
        let outcome: Result<RegisteredModel, LensError>
        do throws(LensError) {
            outcome = .success(
                try await models.load(request.name, by: context.caller, control: context.control) {
                    source.yield($0)
                })
        } catch {
            outcome = .failure(error)
        }
        source.finish()
        try await sending
        let entry = try outcome.get()
        context.logger.info("model loaded", metadata: ["model": "\(entry.name)"])
        for notice in entry.model.notices { context.logger.notice("\(notice)", metadata: ["model": "\(entry.name)"]) }
        try await send(.model(entry.description(isDefault: models.isDefault(entry.name, for: context.caller))))
    }

    /// - Returns: whether passes still hold the model.
    func unload(_ request: ModelNameRequest, _ context: CallContext) throws(LensError) -> Bool {
        let isInUse = try models.unload(request.name, by: context.caller)
        context.logger.info("model unloaded", metadata: ["model": "\(request.name)", "in use": "\(isInUse)"])
        return isInUse
    }

    func rename(_ request: RenameModelRequest, _ context: CallContext) throws(LensError) -> EmptyRequest {
        try models.rename(request.name, to: request.newName, by: context.caller)
        context.logger.info("model renamed", metadata: ["model": "\(request.name)", "to": "\(request.newName)"])
        return EmptyRequest()
    }
}
