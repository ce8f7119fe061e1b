import LensCore
import LensStore
import Logging

/// Deletes what the configuration does not keep: at the start, once an hour, and when the configuration has changed.
struct RetentionLoop {
    private static let period = Duration.seconds(3600)
    /// How soon a change is seen.
    private static let attention = Duration.seconds(5)

    let store: SessionStore
    let logger: Logger

    /// Works until its task is cancelled. Nothing that fails here ends it: the next round tries again.
    func run() async {
        while !Task.isCancelled {
            let retention = store.retention
            await apply()
            let next = ContinuousClock.now + Self.period
            while !Task.isCancelled, store.retention == retention, ContinuousClock.now < next {
                try? await Task.sleep(for: Self.attention, tolerance: .seconds(1))
            }
        }
    }

    private func apply() async {
        do {
            let outcome = try await store.applyRetention()
            guard !outcome.isNothing else { return }
            logger.info(
                "old runs deleted",
                metadata: [
                    "runs": "\(outcome.runCount)", "bytes": "\(outcome.bytes)", "sessions": "\(outcome.sessionCount)",
                    "owners": "\(outcome.ownerCount)",
                ])
        } catch {
            // Cancelled: the daemon stops.
            guard error.code != .cancelled else { return }
            logger.warning("old runs could not be deleted", metadata: ["reason": "\(error.message)"])
        }
    }
}
