import LensCore
import Synchronization

/// Bounds what is held for clients: activations that they have not read yet, passes that wait for their functions.
final class AnswerBudget: Sendable {
    private let holders: String
    private let capacity: Int
    private let held = Mutex(0)

    /// - Parameters:
    ///   - holders: what holds the bytes, for the message of a refusal.
    ///   - capacity: in bytes, for all calls together.
    init(_ holders: String, capacity: Int) {
        self.holders = holders
        self.capacity = capacity
    }

    /// Sets bytes aside until ``release(_:)``. A single answer may be larger than the whole budget.
    ///
    /// - Throws: `RESOURCE_EXHAUSTED` while others hold too much.
    func reserve(_ bytes: Int) throws(LensError) {
        let isGranted = held.withLock { held in
            guard held == 0 || held + bytes <= capacity else { return false }
            held += bytes
            return true
        }
        guard isGranted else {
            throw .resourceExhausted(
                "\(holders) hold the \(capacity >> 20) MiB that there are for them; try again")
        }
    }

    func release(_ bytes: Int) { held.withLock { $0 -= bytes } }
}
