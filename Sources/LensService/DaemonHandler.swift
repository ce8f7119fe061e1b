import Glibc
import LensCore
import LensEngine
import LensWire

/// Answers what the daemon says of itself.
struct DaemonHandler: Sendable {
    let engine: SharedEngine
    let version: DaemonVersion
    let connections: @Sendable () -> Int
    let startedAt = ContinuousClock.now

    func status(_ context: CallContext) throws(LensError) -> DaemonStatus {
        let statistics = engine.statistics
        let models = engine.models.list(for: context.caller)
        let uptime = startedAt.duration(to: .now).components
        return DaemonStatus(
            version: version, uptimeSeconds: Double(uptime.seconds) + Double(uptime.attoseconds) / 1e18,
            processID: Int(getpid()), residentBytes: try Self.residentBytes(), models: models.resident,
            queuedJobs: statistics.queuedJobs, runningJobs: statistics.runningJobs,
            cacheBytes: statistics.cacheBytes, cacheCapacityBytes: statistics.cacheCapacityBytes,
            threads: statistics.threads, connections: connections(), modelStates: models.states,
            weightBytes: engine.models.heldBytes, weightBudgetBytes: engine.models.budget)
    }

    /// The second number of `/proc/self/statm`, which counts pages.
    private static func residentBytes() throws(LensError) -> Int {
        let descriptor = open("/proc/self/statm", O_RDONLY | O_CLOEXEC)
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: 128)
        let count = read(descriptor, &bytes, bytes.count)
        let numbers = String(decoding: bytes.prefix(max(0, count)), as: UTF8.self).split(separator: " ")
        guard numbers.count > 1, let pages = Int(numbers[1]) else {
            throw LensError(.internal, "/proc/self/statm cannot be read")
        }
        return pages * Int(sysconf(CInt(_SC_PAGESIZE)))
    }
}
