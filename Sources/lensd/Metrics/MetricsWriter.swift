import LensCore
import LensMetrics
import Logging
import Synchronization

/// Writes the metrics every so often to where the configuration says.
final class MetricsWriter: Sendable {
    private struct State {
        var path: String?
        /// Said once, until it works again.
        var hasFailed = false
    }

    private let metrics: DaemonMetrics
    private let logger: Logger
    private let state: Mutex<State>

    static let interval = Duration.seconds(15)

    init(_ metrics: DaemonMetrics, path: String?, logger: Logger) {
        self.metrics = metrics
        self.logger = logger
        state = Mutex(State(path: path))
    }

    /// Runs until its task is cancelled.
    func run(_ daemon: DaemonProcess) async {
        repeat { write(daemon) } while (try? await Task.sleep(for: Self.interval)) != nil
    }

    func write(_ daemon: DaemonProcess) {
        guard let path = state.withLock({ $0.path }) else { return }
        metrics.sample(daemon)
        var failure: LensError?
        do { try MetricsFile.replace(path, with: metrics.registry.text) } catch { failure = error }
        let isNews = state.withLock { state in
            defer { state.hasFailed = failure != nil }
            return failure != nil && !state.hasFailed
        }
        if isNews, let failure { logger.warning("\(failure.message)") }
    }

    /// Writes somewhere else from here on, or nowhere; the old file would be taken for the present.
    func move(to path: String?) {
        let old = state.withLock { state in
            defer { state = State(path: path) }
            return state.path
        }
        if let old, old != path { MetricsFile.remove(old) }
    }
}
