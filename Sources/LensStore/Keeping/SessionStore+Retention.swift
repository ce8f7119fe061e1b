import GRDB
public import LensCore

/// What one look at everybody's runs deleted.
public struct RetentionOutcome: Sendable, Hashable {
    public var runCount = 0
    public var bytes = 0
    /// Sessions that had been left empty.
    public var sessionCount = 0
    /// Owners who lost something.
    public var ownerCount = 0

    public var isNothing: Bool { runCount == 0 && sessionCount == 0 }
}

extension SessionStore {
    private static let secondsPerDay = 86_400.0

    /// Sets how long and how much is kept; the next ``applyRetention()`` goes by it.
    public func set(retention: Retention) {
        limits.withLock { $0.retention = retention }
    }

    /// What is kept.
    public var retention: Retention { limits.withLock(\.retention) }

    /// Deletes what is older than the retention allows, and of each owner what is beyond its bytes, oldest first. Runs
    /// with a note and runs of shared sessions stay, whatever their age. Sessions without runs and notes go when nobody
    /// used them for as long.
    ///
    /// It works in transactions of some milliseconds, between which other calls go on.
    public func applyRetention() async throws(LensError) -> RetentionOutcome {
        let retention = self.retention
        var outcome = RetentionOutcome()
        guard retention != Retention() else { return outcome }
        let oldest = retention.days.map { Timestamp.seconds - Double($0) * Self.secondsPerDay }
        let owners = try await read { db in try UInt32.fetchAll(db, sql: "SELECT number FROM owners") }
        for owner in owners {
            var lost = try await deleteRuns(of: owner, before: oldest, downTo: retention.storedBytes)
            if let oldest { lost.sessionCount = try await deleteEmptySessions(of: owner, before: oldest) }
            guard !lost.isNothing else { continue }
            outcome.runCount += lost.runCount
            outcome.bytes += lost.bytes
            outcome.sessionCount += lost.sessionCount
            outcome.ownerCount += 1
        }
        if !outcome.isNothing { try await shrink(keeping: 4 << 20) }
        return outcome
    }

    private func deleteRuns(
        of owner: UInt32, before oldest: Double?, downTo limit: Int?
    ) async throws(LensError) -> RetentionOutcome {
        var outcome = RetentionOutcome()
        var last: Int64 = 0
        while true {
            guard !Task.isCancelled else { throw .cancelled }
            let start = ContinuousClock.now
            let step = try await write { [last] db in
                var excess = try limit.map { try Self.amounts(of: owner, in: db).storedBytes - $0 } ?? 0
                return try Self.deleteOldestRuns(of: owner, after: last, in: db) { run in
                    guard excess > 0 || oldest.map({ run.storedAt < $0 }) == true else { return .stop }
                    guard !run.isKept else { return .keep }
                    excess -= run.bytes
                    return .delete
                }
            }
            outcome.runCount += step.count
            outcome.bytes += step.bytes
            last = step.last
            if step.isAll { return outcome }
            await Self.leaveRoom(after: start)
        }
    }

    private func deleteEmptySessions(of owner: UInt32, before oldest: Double) async throws(LensError) -> Int {
        try await write { db in
            try db.execute(
                sql: """
                    DELETE FROM sessions WHERE owner = ? AND updated < ? AND note = ''
                        AND NOT EXISTS (SELECT 1 FROM runs WHERE runs.owner = sessions.owner AND session = sessions.id)
                        AND NOT EXISTS (SELECT 1 FROM grants
                            WHERE grants.owner = sessions.owner AND session = sessions.id)
                    """,
                arguments: [owner, oldest])
            return db.changesCount
        }
    }
}
