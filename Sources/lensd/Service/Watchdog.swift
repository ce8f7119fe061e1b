import LensEngine
import LensWire

/// Tells systemd that the daemon is alive, for as long as it really gets on: the engine with what it has to do, and the
/// event loop with its beat. That this runs at all shows that the tasks do.
struct Watchdog: Sendable {
    let notifier: ServiceNotifier
    let engine: SharedEngine
    let server: WireServer
    /// Within which systemd must hear something.
    let interval: Duration

    /// Runs until its task is cancelled.
    func run() async {
        var progress = Self.progress(engine.statistics)
        var engineMovedAt = ContinuousClock.now
        while (try? await Task.sleep(for: interval / 4)) != nil {
            let now = ContinuousClock.now
            let statistics = engine.statistics
            let isIdle = statistics.runningJobs == 0 && statistics.queuedJobs == 0
            if isIdle || Self.progress(statistics) != progress { engineMovedAt = now }
            progress = Self.progress(statistics)
            // What hangs for half the interval is not vouched for any more, and systemd ends it after the whole.
            if now - engineMovedAt < interval / 2, now - server.lastBeat < interval / 2 { notifier.alive() }
        }
    }

    /// Grows with every block and every turn of the engine's work.
    private static func progress(_ statistics: EngineStatistics) -> Int {
        statistics.progress &+ statistics.passes.steps
    }
}
