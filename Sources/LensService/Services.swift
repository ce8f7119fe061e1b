import LensCore
import LensEngine
import LensStore
import LensWire
import Logging

/// Everything the daemon answers: one handler per service of `Protos/lens/v1`.
///
/// A handler checks what only it can check, calls the engine or the store, and replies. It holds no tensor and no SQL.
public struct Services: Sendable {
    let daemon: DaemonHandler
    let models: ModelsHandler
    let inference: InferenceHandler
    let analyses: AnalysesHandler
    let heads: HeadsHandler
    let weights: WeightsHandler
    let sessions: SessionsHandler
    let reports: ReportsHandler
    let store: StoreHandler

    public init(
        engine: SharedEngine, store: SessionStore, version: DaemonVersion, ledger: UsageLedger, journal: CallJournal
    ) {
        daemon = DaemonHandler(
            usage: UsageSources(ledger: ledger, engine: engine, store: store), engine: engine, version: version,
            journal: journal)
        models = ModelsHandler(models: engine.models)
        inference = InferenceHandler(engine: engine, store: store)
        analyses = AnalysesHandler(inference: inference)
        heads = HeadsHandler(engine: engine, version: version)
        weights = WeightsHandler(engine: engine)
        sessions = SessionsHandler(store: store)
        reports = ReportsHandler(engine: engine, store: store, version: version)
        self.store = StoreHandler(store: store)
    }

    /// Which handler answers which method.
    public var router: Router {
        var router = Router()
        unary(.status, in: &router) { _, context in try await daemon.status(context) }
        unary(.usage, in: &router) { _, context in try await daemon.usage(context) }
        unary(.activity, in: &router, daemon.activity)
        unary(.listModels, in: &router) { _, context in models.list(context) }
        unary(.describeModel, in: &router, models.describe)
        streaming(.loadModel, in: &router, models.load)
        unary(.unloadModel, in: &router, models.unload)
        unary(.renameModel, in: &router, models.rename)
        unary(.tokenize, in: &router, inference.tokenize)
        unary(.run, in: &router, inference.run)
        bidirectional(.runHooked, in: &router, inference.runHooked)
        streaming(.query, in: &router, inference.query)
        streaming(.sweep, in: &router, inference.sweep)
        streaming(.generate, in: &router, inference.generate)
        bidirectional(.generateHooked, in: &router, inference.generateHooked)
        bidirectional(.gradient, in: &router, inference.gradient)
        unary(.scoreHeads, in: &router, inference.scoreHeads)
        unary(.splitScore, in: &router, analyses.splitScore)
        unary(.logitLens, in: &router, analyses.logitLens)
        unary(.attribute, in: &router, analyses.attribute)
        unary(.reduce, in: &router, analyses.reduce)
        unary(.detectHeads, in: &router, analyses.detectHeads)
        unary(.scoreInduction, in: &router, analyses.scoreInduction)
        streaming(.headAtlas, in: &router, heads.atlas)
        unary(.listParameters, in: &router, weights.list)
        streaming(.parameter, in: &router, weights.parameter)
        streaming(.circuits, in: &router, weights.circuits)
        streaming(.compositionScores, in: &router, weights.compositionScores)
        unary(.listSessions, in: &router, sessions.list)
        unary(.showSession, in: &router, sessions.show)
        unary(.createSession, in: &router, sessions.create)
        unary(.renameSession, in: &router, sessions.rename)
        unary(.deleteSession, in: &router, sessions.delete)
        unary(.shareSession, in: &router, sessions.share)
        unary(.unshareSession, in: &router, sessions.unshare)
        unary(.listGrants, in: &router, sessions.grants)
        unary(.setNote, in: &router, sessions.setNote)
        unary(.searchSessions, in: &router, sessions.search)
        streaming(.exportSession, in: &router, sessions.export)
        bidirectional(.importSession, in: &router, sessions.importSession)
        streaming(.replaySession, in: &router, inference.replay)
        streaming(.attentionPage, in: &router, reports.attentionPage)
        streaming(.sessionReport, in: &router, reports.sessionReport)
        unary(.storeUsage, in: &router) { _, context in try await store.usage(context) }
        unary(.purge, in: &router, store.purge)
        unary(.reassign, in: &router, store.reassign)
        unary(.checkStore, in: &router) { _, context in try await store.check(context) }
        streaming(.backup, in: &router) { _, context, send in try await store.backup(context, send) }
        return router
    }

    private func unary<Request, Reply>(
        _ method: UnaryMethod<Request, Reply>, in router: inout Router,
        _ handler: @escaping @Sendable (Request, CallContext) async throws -> Reply
    ) {
        router.unary(method, handler)
    }

    private func streaming<Request, Event>(
        _ method: StreamingMethod<Request, Event>, in router: inout Router,
        _ handler: @escaping @Sendable (Request, CallContext, @escaping SendEvent<Event>) async throws -> Void
    ) {
        router.streaming(method) { request, context, replies in
            try await handler(request, context) { event in try await replies.send(event) }
        }
    }

    private func bidirectional<Message, Event>(
        _ method: BidirectionalMethod<Message, Event>, in router: inout Router,
        _ handler:
            @escaping @Sendable (Message, RequestSource<Message>, CallContext, @escaping SendEvent<Event>)
            async throws -> Void
    ) {
        router.bidirectional(method) { first, messages, context, replies in
            try await handler(first, messages, context) { event in try await replies.send(event) }
        }
    }
}

/// Gives one event of a streaming call to its client; waits while the client has no room for it.
typealias SendEvent<Event> = @Sendable (Event) async throws -> Void
