import LensCore

/// How much one user may have in the store.
struct StoreQuota: Sendable, Hashable {
    var sessions: Int
    /// Bytes.
    var stored: Int

    init(_ amounts: SharedAmounts) {
        sessions = amounts.sessions
        stored = amounts.storedBytes
    }

    /// Lets through what does not grow: who has too much already may still delete, and use what there is.
    ///
    /// - Parameter whatToDelete: a session that would make room, for the message.
    /// - Throws: `RESOURCE_EXHAUSTED` naming the quota, what is used of it and what to do.
    func check(
        _ amounts: SharedAmounts, after before: SharedAmounts, whatToDelete: () throws -> DeletionHint?
    ) throws {
        if amounts.sessions > before.sessions, amounts.sessions > sessions {
            throw try refusal(
                "the quota 'sessions' is \(sessions), and you have \(before.sessions)", whatToDelete()?.oldest)
        }
        if amounts.storedBytes > before.storedBytes, amounts.storedBytes > stored {
            throw try refusal(
                "the quota 'stored' is \(stored) bytes, you use \(before.storedBytes), and this would add "
                    + "\(amounts.storedBytes - before.storedBytes)", whatToDelete()?.largest)
        }
    }

    private func refusal(_ what: String, _ hint: String?) -> LensError {
        .resourceExhausted(
            "\(what); delete sessions that you no longer need with 'lensctl sessions delete NAME'"
                + (hint.map { ", such as \($0)" } ?? ""))
    }
}

/// What a user may want to delete.
struct DeletionHint: Sendable {
    /// The session that was not used for longest.
    var oldest: String
    /// The session that takes most, and how much.
    var largest: String
}
