import FoundationEssentials
import Glibc
import LensCheckpoint
import LensCore
import LensEngine
import LensModel
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
    private let socketPath: String
    private let engine: Engine
    private let store: SessionStore

    /// Opens everything but the socket. The state folder's lock comes first: whoever holds it owns the rest.
    ///
    /// - Throws: status 75 for a state folder in use, 65 for a model or database that cannot be served.
    init(
        socket: String, state: String, models: [ModelArgument], threads: Int?, environment: Environment
    ) throws(StartupError) {
        logger = Logger(label: "lensd")
        notifier = ServiceNotifier(environment)
        socketPath = socket
        // Whatever the daemon makes is its own user's unless it says otherwise.
        umask(0o077)
        let folder = try StateFolder(at: state)
        store = try SessionStore(in: folder)
        for notice in store.notices { logger.warning("\(notice)") }
        let pool = ComputePool(threads: threads ?? ProcessInfo.processInfo.activeProcessorCount)
        let registry = try Self.load(models, on: pool, logger)
        do {
            engine = try Engine(models: registry, pool: pool)
        } catch {
            throw StartupError(.failure, error.message)
        }
    }

    private static func load(
        _ models: [ModelArgument], on pool: ComputePool, _ logger: Logger
    ) throws(StartupError) -> ModelRegistry {
        var loaded: [RegisteredModel] = []
        for model in models {
            let start = ContinuousClock.now
            do {
                let folder = try ModelFolder(opening: model.folder)
                loaded.append(try RegisteredModel(name: model.name, model: LanguageModel(folder: folder, on: pool)))
            } catch {
                throw StartupError(
                    .badInput, "cannot serve the model '\(model.name)' from \(model.folder): \(error.message)")
            }
            let milliseconds = Int(start.duration(to: .now) / Duration.milliseconds(1))
            logger.info("model loaded", metadata: ["model": "\(model.name)", "ms": "\(milliseconds)"])
        }
        do {
            return try ModelRegistry(loaded)
        } catch {
            throw StartupError(.usage, error.message)
        }
    }

    /// Serves until a signal says to stop, then lets the calls in flight finish.
    ///
    /// - Throws: status 75 for a socket that another daemon answers, 64 for a path that cannot be one.
    func run() async throws(StartupError) {
        signal(SIGPIPE, SIG_IGN)
        let stopRequest = await Self.stopRequest(logger)
        let server = try await startServer()
        StandardError.write("lensd ready: \(socketPath)\n")
        notifier.send("READY=1")

        let reason = await stopRequest.value
        logger.info("stopping", metadata: ["signal": "\(reason)"])
        notifier.send("STOPPING=1")
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
            services.router, on: ListeningSocket.bind(path: socketPath), logger: logger)
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
