import Glibc
import LensCore
import LensEngine
import LensService
import LensStore
import LensTensor
import LensWire
import Logging

/// The daemon from start to end: what is opened in which order, and closed in the reverse of it.
struct DaemonProcess {
    let logger: Logger
    let log: DaemonLog
    let source: SettingsSource
    let notifier: ServiceNotifier
    let settings: DaemonSettings
    let engine: SharedEngine
    let store: SessionStore
    let ledger: UsageLedger
    let journal: CallJournal
    let metrics: MetricsWriter

    /// Opens everything but the models and the socket. The state folder's lock comes first: whoever holds it owns the
    /// rest.
    ///
    /// - Throws: status 75 for a state folder in use, 65 for a database that cannot be served.
    init(_ settings: DaemonSettings, from source: SettingsSource, log: DaemonLog) throws(StartupError) {
        logger = Logger(label: "lensd")
        self.log = log
        self.source = source
        notifier = ServiceNotifier(source.environment)
        self.settings = settings
        // Whatever the daemon makes is its own user's unless it says otherwise.
        umask(0o077)
        let folder = try StateFolder(at: settings.state)
        store = try SessionStore(in: folder)
        for notice in store.notices { logger.warning("\(notice)") }
        store.set(quota: settings.quota)
        store.set(retention: settings.retention)
        do {
            let registry = try ModelRegistry(
                settings.models, budget: settings.memory.bytes,
                stateModels: StateModels(path: "\(folder.path)/models"))
            engine = try SharedEngine(
                models: registry, pool: ComputePool(threads: settings.threads),
                options: EngineOptions(
                    cacheBytes: settings.cache.bytes, quota: settings.quota, cacheScope: settings.cacheScope))
        } catch {
            throw StartupError(error.code == .alreadyExists ? .usage : .failure, error.message)
        }
        ledger = UsageLedger(limits: WireLimits(quota: settings.quota))
        let counted = DaemonMetrics()
        journal = CallJournal { counted.record($0) }
        metrics = MetricsWriter(counted, path: settings.metrics, logger: logger)
    }

    /// Serves until a signal says to stop, then lets the calls in flight finish.
    ///
    /// - Throws: status 75 for a socket that another daemon answers, 64 for a path that cannot be one, 65 for a model
    ///   that cannot be served.
    func run() async throws(StartupError) {
        signal(SIGPIPE, SIG_IGN)
        OpenDescriptors.raiseLimit()
        let hangupEnds = source.file == nil && isatty(STDIN_FILENO) == 1
        if !hangupEnds { signal(SIGHUP, SIG_IGN) }
        try await loadModels()
        let requests = await SignalRequests.trap(log, logger, hangupEnds: hangupEnds)
        let server = try await startServer()
        let watchdog = startWatchdog(server)
        let writer = Task { await metrics.run(self) }
        let retention = Task { await RetentionLoop(store: store, logger: logger).run() }
        log.write("lensd ready: \(settings.socket)")
        notifier.ready("serving \(settings.models.count) models")

        let reason = await handle(requests)
        logger.info("stopping", metadata: ["signal": "\(reason)"])
        notifier.stopping()
        engine.models.stop()
        await server.shutdown()
        watchdog?.cancel()
        writer.cancel()
        metrics.move(to: nil)
        engine.stop()
        retention.cancel()
        await retention.value
        do { try store.close() } catch {
            logger.error("the session store did not close", metadata: ["cause": "\(error)"])
        }
        logger.info("stopped")
    }

    private func loadModels() async throws(StartupError) {
        let pace = LoadPace(notifier)
        do {
            try await engine.models.loadConfigured { name, _ in
                pace.isGettingOn(with: name)
            } report: { model, outcome in
                switch outcome {
                case .resident(let seconds, let notices):
                    for notice in notices { logger.notice("\(notice)", metadata: ["model": "\(model.name)"]) }
                    logger.info(
                        "model loaded",
                        metadata: ["model": "\(model.name)", "ms": .stringConvertible(Int(seconds * 1000))])
                case .noRoom:
                    logger.notice(
                        "no room for the model beside the others; it is loaded when somebody asks for it",
                        metadata: ["model": "\(model.name)"])
                case .failed(let error):
                    logger.error(
                        "cannot serve the model; lensctl models load tries it again",
                        metadata: ["model": "\(model.name)", "folder": "\(model.folder)", "error": "\(error.message)"])
                }
            }
        } catch {
            throw StartupError(
                .badInput,
                "cannot serve the model '\(error.model.name)' from \(error.model.folder): \(error.error.message)")
        }
    }

    /// Reads the configuration again as often as somebody asks for it; returns why the daemon is to end.
    private func handle(_ requests: AsyncStream<SignalRequests.Request>) async -> String {
        var present = settings
        for await request in requests {
            switch request {
            case .stop(let signal): return signal
            case .reload:
                notifier.reloading()
                present = reload(from: present)
                notifier.ready("serving \(present.models.count) models")
            }
        }
        return "none"
    }

    private func startServer() async throws(StartupError) -> WireServer {
        let version = DaemonVersion(
            lensd: lensdVersion, wireProtocol: Int(WireProtocol.versions.max() ?? 0), blas: BLAS.description,
            sqlite: SessionStore.sqliteVersion)
        let services = Services(engine: engine, store: store, version: version, ledger: ledger, journal: journal)
        let socket: ListeningSocket
        if let given = source.socket {
            socket = given
            logger.info("took over the socket that was handed over", metadata: ["path": "\(given.path)"])
        } else {
            socket = try ListeningSocket.bind(
                path: settings.socket, mode: settings.socketMode, group: settings.socketGroup)
        }
        return try await WireServer.start(
            services.router, on: socket, ledger: ledger, journal: journal, logger: logger)
    }

    private func startWatchdog(_ server: WireServer) -> Task<Void, Never>? {
        guard let interval = notifier.watchdogInterval else { return nil }
        let watchdog = Watchdog(notifier: notifier, engine: engine, server: server, interval: interval)
        return Task { await watchdog.run() }
    }
}
