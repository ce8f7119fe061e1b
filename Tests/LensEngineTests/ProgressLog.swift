import Synchronization

/// Progress as it was reported, from whichever thread.
final class ProgressLog: Sendable {
    private let entries = Mutex<[(Int, Int)]>([])
    func append(_ entry: (Int, Int)) { entries.withLock { $0.append(entry) } }
    var last: (Int, Int)? { entries.withLock { $0.last } }
    var all: [(done: Int, total: Int)] { entries.withLock { $0 } }
    var count: Int { entries.withLock { $0.count } }
}
