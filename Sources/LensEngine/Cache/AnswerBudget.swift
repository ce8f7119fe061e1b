import LensCore
import Synchronization

/// Bounds what is held for clients: activations that they have not read yet, passes that wait for their functions, keys
/// and values of texts that are being generated.
final class AnswerBudget: Sendable {
    private struct Holdings {
        var all = 0
        var users: [UInt32: Int] = [:]
    }

    private let holders: String
    /// In bytes, for all calls together.
    let capacity: Int
    private let held = Mutex(Holdings())

    /// - Parameters:
    ///   - holders: what holds the bytes, for the message of a refusal.
    ///   - capacity: in bytes, for all calls together.
    init(_ holders: String, capacity: Int) {
        self.holders = holders
        self.capacity = capacity
    }

    /// Sets bytes aside until ``release(_:for:)``. A single answer may be larger than the whole budget.
    ///
    /// - Parameter user: who may hold half of the budget and no more, so that something is left for others; `nil` where
    ///   the holder is not asked for.
    /// - Throws: `RESOURCE_EXHAUSTED` while others, or the user's own other calls, hold too much.
    func reserve(_ bytes: Int, for user: UInt32? = nil) throws(LensError) {
        let isGranted = held.withLock { held in
            guard held.all == 0 || held.all + bytes <= capacity else { return false }
            if let user {
                let own = held.users[user, default: 0]
                guard own == 0 || own + bytes <= capacity / 2 else { return false }
                held.users[user] = own + bytes
            }
            held.all += bytes
            return true
        }
        guard isGranted else {
            throw .resourceExhausted(
                "\(holders) hold the \(capacity >> 20) MiB that there are for them; try again",
                retryAfter: .seconds(1))
        }
    }

    func release(_ bytes: Int, for user: UInt32? = nil) {
        held.withLock { held in
            held.all -= bytes
            guard let user else { return }
            let rest = held.users[user, default: 0] - bytes
            held.users[user] = rest > 0 ? rest : nil
        }
    }
}

/// Bytes of a budget that are set aside for as long as this is held.
final class AnswerReservation: Sendable {
    private let budget: AnswerBudget
    private let bytes: Int

    /// - Throws: `RESOURCE_EXHAUSTED` while others hold too much.
    init(_ budget: AnswerBudget, bytes: Int) throws(LensError) {
        try budget.reserve(bytes)
        self.budget = budget
        self.bytes = bytes
    }

    deinit { budget.release(bytes) }
}
