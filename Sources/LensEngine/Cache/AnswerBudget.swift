import LensCore
import Synchronization

/// Bounds the activations that are held for clients who have not read them yet.
final class AnswerBudget: Sendable {
    private let capacity: Int
    private let held = Mutex(0)

    /// - Parameter capacity: in bytes, for all calls together.
    init(capacity: Int) {
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
                "answers that are still being read hold the \(capacity >> 20) MiB that there are for them; try again")
        }
    }

    func release(_ bytes: Int) { held.withLock { $0 -= bytes } }
}
