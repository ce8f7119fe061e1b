import Glibc
import LensCore
import Logging
import UnixSignals

/// What the process is asked for by signals.
enum SignalRequests {
    enum Request: Sendable {
        /// The signal that asks.
        case stop(String)
        case reload
    }

    /// The requests in their order: SIGTERM and SIGINT stop, SIGHUP reloads. A Ctrl-C after the first stop ends the
    /// process at once: calls in flight are lost, what was acknowledged is not.
    ///
    /// - Parameter hangupEnds: SIGHUP stops, as for a program whose terminal has gone.
    static func trap(_ log: DaemonLog, _ logger: Logger, hangupEnds: Bool) async -> AsyncStream<Request> {
        let (requests, source) = AsyncStream.makeStream(of: Request.self)
        let signals = await UnixSignalsSequence(trapping: .sigterm, .sigint, .sighup)
        Task {
            var isStopping = false
            for await signal in signals {
                if isStopping, signal == .sigint {
                    logger.warning("stopped without waiting for the calls in flight")
                    log.flush()
                    _exit(StartupError.ExitStatus.failure.rawValue)
                }
                if signal == .sighup, !hangupEnds {
                    source.yield(.reload)
                } else {
                    if !isStopping { source.yield(.stop("\(signal)")) }
                    isStopping = true
                }
            }
        }
        return requests
    }
}
