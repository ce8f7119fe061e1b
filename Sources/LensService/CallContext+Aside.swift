import Dispatch
import LensCore
import LensWire
import Synchronization

extension CallContext {
    /// Does what takes a processor for long and is none of the engine's, off the threads that all calls share: one
    /// piece after another for each user, so that nobody else waits for it.
    ///
    /// - Throws: what `body` throws; `CANCELLED` or `DEADLINE_EXCEEDED` where nobody waits any more at its turn or its
    ///   end.
    func aside<Value: Sendable>(
        _ body: @escaping @Sendable () throws(LensError) -> Value
    ) async throws(LensError) -> Value {
        let result = await withCheckedContinuation { continuation in
            userQueues.add(for: peer.userID) {
                let result = Result { () throws(LensError) in
                    try control.check()
                    let value = try body()
                    try control.check()
                    return value
                }
                continuation.resume(returning: result)
            }
        }
        return try result.get()
    }
}

/// A queue for each user who has something in it.
private final class UserQueues: Sendable {
    private struct Line {
        let queue: DispatchQueue
        var count = 0
    }

    private let lines = Mutex<[UInt32: Line]>([:])

    func add(for userID: UInt32, _ work: @escaping @Sendable () -> Void) {
        let queue = lines.withLock { lines in
            let queue = lines[userID]?.queue ?? DispatchQueue(label: "lensd.user-\(userID)")
            lines[userID, default: Line(queue: queue)].count += 1
            return queue
        }
        queue.async { [self] in
            work()
            lines.withLock { lines in
                lines[userID]?.count -= 1
                if lines[userID]?.count == 0 { lines[userID] = nil }
            }
        }
    }
}

private let userQueues = UserQueues()
