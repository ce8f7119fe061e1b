import Glibc
import LensCore
import LensEngine
import LensWire

/// Answers what the daemon says of itself; of what others do only to its administrator.
struct DaemonHandler: Sendable {
    let usage: UsageSources
    let engine: SharedEngine
    let version: DaemonVersion
    let journal: CallJournal
    let startedAt = ContinuousClock.now

    func status(_ context: CallContext) async throws(LensError) -> DaemonStatus {
        let caller = context.caller
        let statistics = engine.statistics
        let models = engine.models.list(for: caller)
        let own = try await usage.amounts(of: caller.userID)
        let quota = usage.quota
        let uptime = startedAt.duration(to: .now).components
        var status = DaemonStatus(
            version: version, uptimeSeconds: Double(uptime.seconds) + Double(uptime.attoseconds) / 1e18,
            processID: Int(getpid()), residentBytes: ProcessMemory.residentBytes ?? 0, models: models.resident,
            queuedJobs: statistics.queuedJobs, runningJobs: statistics.runningJobs,
            cacheBytes: statistics.cacheBytes, cacheCapacityBytes: statistics.cacheCapacityBytes,
            threads: statistics.threads, connections: usage.ledger.connectionCount, modelStates: models.states,
            weightBytes: engine.models.heldBytes, weightBudgetBytes: engine.models.budget, own: own, quota: quota)
        if !caller.isAdministrator {
            // The sums would tell of hidden models, and who looks closely of questions that others have asked.
            status.queuedJobs = own.queuedJobs
            status.runningJobs = min(status.runningJobs, 1)
            status.cacheBytes = own.cachedBytes
            status.cacheCapacityBytes = min(quota.cachedBytes, status.cacheCapacityBytes)
            status.connections = own.connections
            status.weightBytes = models.resident.reduce(0) { $0 + $1.weightBytes }
        }
        return status
    }

    func usage(_ context: CallContext) async throws(LensError) -> DaemonUsage {
        try context.caller.checkIsAdministrator(to: "see what every user has")
        let users = try await usage.amounts().sorted { $0.key < $1.key }
        return DaemonUsage(
            users: users.map { DaemonUsage.User(userID: $0.key, amounts: $0.value) }, quota: usage.quota)
    }

    func activity(_ request: ActivityRequest, _ context: CallContext) throws(LensError) -> DaemonActivity {
        if request.ofAll { try context.caller.checkIsAdministrator(to: "see what every user does") }
        var activity = journal.activity(of: request.ofAll ? nil : context.caller.userID)
        if request.ofAll {
            let statistics = engine.statistics
            activity.engine = EngineTotals(
                passes: statistics.passes.passes, rows: statistics.passes.rows, cacheHits: statistics.cacheHits,
                cacheMisses: statistics.cacheMisses)
        }
        // The caller knows of this one.
        if let index = activity.calls.firstIndex(where: { $0.request == "\(context.name)" }) {
            activity.calls.remove(at: index)
            activity.callsInFlight -= 1
        }
        return activity
    }
}
