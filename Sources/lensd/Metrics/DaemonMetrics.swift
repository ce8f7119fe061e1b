import Glibc
import LensCore
import LensEngine
import LensMetrics
import LensService
import LensWire
import Metrics
import Synchronization

/// What the daemon counts for its administrator. Nothing in it is told by user: the file may be read by everybody.
struct DaemonMetrics: Sendable {
    let registry: PrometheusRegistry
    private let startedAt = time(nil)
    private let counted = CountedSoFar()

    /// Makes the process's metrics; once.
    init() {
        registry = PrometheusRegistry(help: Self.help)
        MetricsSystem.bootstrap(registry)
    }

    private static let help = [
        "lensd_info": "The version that runs.",
        "lensd_start_time_seconds": "When the daemon started, in seconds since 1970.",
        "lensd_calls_total": "Calls that have ended, by method and status.",
        "lensd_call_seconds": "How long calls took, waiting included.",
        "lensd_queue_wait_seconds": "How long calls waited for their turn.",
        "lensd_calls_in_flight": "Calls that have not ended.",
        "lensd_connections": "Clients that are connected.",
        "lensd_queued_jobs": "Passes, sweeps and the like that wait for their turn.",
        "lensd_running_jobs": "Passes, sweeps and the like that are computed now.",
        "lensd_passes_total": "Pieces of work that were finished: runs, sweeps, legs of a pass with functions in it.",
        "lensd_steps_total": "Turns of the engine's thread.",
        "lensd_batched_total": "Runs that went through the model together with others.",
        "lensd_joined_total": "Calls that got what was being computed for another.",
        "lensd_refused_total": "Calls that found the queue full.",
        "lensd_rows_total": "Positions of sequences that went through a model.",
        "lensd_cache_hits_total": "Activations that were asked for and at hand.",
        "lensd_cache_misses_total": "Activations that were asked for and had to be computed.",
        "lensd_cache_bytes": "Memory of activations kept at hand.",
        "lensd_cache_capacity_bytes": "The most that lensd_cache_bytes may be.",
        "lensd_weights_bytes": "Memory that models' weights take.",
        "lensd_weights_budget_bytes": "The most that lensd_weights_bytes may be.",
        "lensd_store_bytes": "Size of the session store's files.",
        "lensd_open_descriptors": "Open files and connections of the process.",
        "lensd_max_descriptors": "The most that lensd_open_descriptors may be.",
        "lensd_resident_bytes": "Memory of the process.",
    ]

    /// Counts a call that has ended.
    func record(_ call: EndedCall) {
        let method = call.method.hasPrefix("/lens.v1.") ? String(call.method.dropFirst(9)) : call.method
        Counter(label: "lensd_calls_total", dimensions: [("method", method), ("status", call.status.name)]).increment()
        Timer(label: "lensd_call_seconds", dimensions: [("method", method)]).record(duration: call.duration)
        Timer(label: "lensd_queue_wait_seconds").record(duration: call.queueWait)
    }

    /// Looks at what is not counted as it happens.
    func sample(_ daemon: DaemonProcess) {
        let statistics = daemon.engine.statistics
        let calls = daemon.journal.activity(of: nil).callsInFlight
        let folder = daemon.settings.state
        let gauges: [(String, Int)] = [
            ("lensd_start_time_seconds", startedAt), ("lensd_connections", daemon.ledger.connectionCount),
            ("lensd_calls_in_flight", calls), ("lensd_queued_jobs", statistics.queuedJobs),
            ("lensd_running_jobs", statistics.runningJobs), ("lensd_cache_bytes", statistics.cacheBytes),
            ("lensd_cache_capacity_bytes", statistics.cacheCapacityBytes),
            ("lensd_weights_bytes", daemon.engine.models.heldBytes),
            ("lensd_weights_budget_bytes", daemon.engine.models.budget),
            ("lensd_store_bytes", ["", "-wal", "-shm"].reduce(0) { $0 + Self.size("\(folder)/lensd.sqlite\($1)") }),
            ("lensd_open_descriptors", OpenDescriptors.count), ("lensd_max_descriptors", OpenDescriptors.limit),
            ("lensd_resident_bytes", ProcessMemory.residentBytes ?? 0),
        ]
        for (name, value) in gauges { Gauge(label: name).record(value) }
        counted.advance([
            ("lensd_passes_total", statistics.passes.passes), ("lensd_rows_total", statistics.passes.rows),
            ("lensd_steps_total", statistics.passes.steps), ("lensd_batched_total", statistics.passes.batched),
            ("lensd_joined_total", statistics.passes.joined), ("lensd_refused_total", statistics.passes.refused),
            ("lensd_cache_hits_total", statistics.cacheHits), ("lensd_cache_misses_total", statistics.cacheMisses),
        ])
        Gauge(label: "lensd_info", dimensions: [("version", lensdVersion)]).record(1)
    }

    private static func size(_ path: String) -> Int {
        var status = stat()
        return stat(path, &status) == 0 ? Int(status.st_size) : 0
    }
}

/// Brings counters up to what others have counted.
private final class CountedSoFar: Sendable {
    private let values = Mutex<[String: Int]>([:])

    func advance(_ totals: [(name: String, value: Int)]) {
        for (name, value) in totals {
            let news = values.withLock { values in
                defer { values[name] = max(value, values[name] ?? 0) }
                return max(0, value - (values[name] ?? 0))
            }
            Counter(label: name).increment(by: news)
        }
    }
}
