import Glibc
import LensCore
import LensEngine
import LensService
import LensStore
import LensTensor
import LensWire
import Logging
import Synchronization
import UnixSignals

/// The daemon from start to end: what is opened in which order, and closed in the reverse of it.
struct DaemonProcess {
    private let logger: Logger
    private let notifier: ServiceNotifier
    private let settings: DaemonSettings
    private let engine: SharedEngine
    private let store: SessionStore

    /// Opens everything but the models and the socket. The state folder's lock comes first: whoever holds it owns the
    /// rest.
    ///
    /// - Throws: status 75 for a state folder in use, 65 for a database that cannot be served.
    init(_ settings: DaemonSettings, environment: Environment) throws(StartupError) {
        logger = Logger(label: "lensd")
        notifier = ServiceNotifier(environment)
        self.settings = settings
        // Whatever the daemon makes is its own user's unless it says otherwise.
        umask(0o077)
        let folder = try StateFolder(at: settings.state)
        store = try SessionStore(in: folder)
        for notice in store.notices { logger.warning("\(notice)") }
        do {
            let registry = try ModelRegistry(
                settings.models, budget: settings.memory.bytes,
                stateModels: StateModels(path: "\(folder.path)/models"))
            engine = try SharedEngine(
                models: registry, pool: ComputePool(threads: settings.threads),
                options: EngineOptions(cacheBytes: settings.cache.bytes))
        } catch {
            throw StartupError(error.code == .alreadyExists ? .usage : .failure, error.message)
        }
    }

    private func loadModels() async throws(StartupError) {
        do {
            try await engine.models.loadConfigured { name, isResident, seconds in
                guard isResident else {
                    return logger.notice(
                        "no room for the model beside the others; it is loaded when somebody asks for it",
                        metadata: ["model": "\(name)"])
                }
                logger.info("model loaded", metadata: ["model": "\(name)", "ms": "\(Int(seconds * 1000))"])
            }
        } catch {
            throw StartupError(
                .badInput,
                "cannot serve the model '\(error.model.name)' from \(error.model.folder): \(error.error.message)")
        }
    }

    /// Serves until a signal says to stop, then lets the calls in flight finish.
    ///
    /// - Throws: status 75 for a socket that another daemon answers, 64 for a path that cannot be one, 65 for a model
    ///   that cannot be served.
    func run() async throws(StartupError) {
        signal(SIGPIPE, SIG_IGN)
        try await loadModels()
        let stopRequest = await Self.stopRequest(logger)
        let server = try await startServer()
        StandardError.write("lensd ready: \(settings.socket)\n")
        notifier.send("READY=1")

        let reason = await stopRequest.value
        logger.info("stopping", metadata: ["signal": "\(reason)"])
        notifier.send("STOPPING=1")
        engine.models.stop()
        await server.shutdown()
        engine.stop()
        do { try store.close() } catch {
            logger.error("the session store did not close", metadata: ["cause": "\(error)"])
        }
        logger.info("stopped")
    }

    /// Ends with the first signal that asks the daemon to stop. A Ctrl-C after it ends the process at once: calls in
    /// flight are lost, what was acknowledged is not.
    private static func stopRequest(_ logger: Logger) async -> Task<String, Never> {
        let (requests, source) = AsyncStream.makeStream(of: String.self)
        let signals = await UnixSignalsSequence(trapping: .sigterm, .sigint)
        Task {
            var isStopping = false
            for await signal in signals {
                if isStopping, signal == .sigint {
                    logger.warning("stopped without waiting for the calls in flight")
                    _exit(StartupError.ExitStatus.failure.rawValue)
                }
                if !isStopping { source.yield("\(signal)") }
                isStopping = true
            }
        }
        return Task { await requests.first { _ in true } ?? "none" }
    }

    private func startServer() async throws(StartupError) -> WireServer {
        // Status tells how many clients are connected, and the server that knows is made after the router.
        let serving = ServerReference()
        let version = DaemonVersion(
            lensd: lensdVersion, wireProtocol: Int(WireProtocol.versions.max() ?? 0), blas: BLAS.description,
            sqlite: SessionStore.sqliteVersion)
        let services = Services(engine: engine, store: store, version: version) { serving.connectionCount }
        let server = try await WireServer.start(
            services.router,
            on: ListeningSocket.bind(
                path: settings.socket, mode: settings.socketMode, group: settings.socketGroup),
            limits: WireLimits(quota: settings.quota), logger: logger)
        serving.set(server)
        return server
    }
}

/// The server, for those who are made before it.
private final class ServerReference: Sendable {
    private let server = Mutex<WireServer?>(nil)

    var connectionCount: Int { server.withLock { $0 }?.connectionCount ?? 0 }

    func set(_ server: WireServer) {
        self.server.withLock { $0 = server }
    }
}
