import LensCore
import Synchronization

/// Follows the reading of a checkpoint: counts its bytes, and stops it when it is no longer wanted.
public final class ReadingWatch: Sendable {
    /// Told from the threads that read, every few hundred KiB: bytes of tensors read so far, and in all.
    public typealias Progress = @Sendable (_ done: Int, _ total: Int) -> Void

    private let control: CallControl
    private let progress: Progress?
    private let counts = Mutex((done: 0, total: 0))

    public init(control: CallControl = CallControl(), progress: Progress? = nil) {
        self.control = control
        self.progress = progress
    }

    /// Adds a file's tensors to what is to be read.
    func expect(_ bytes: Int) {
        counts.withLock { $0.total += bytes }
    }

    /// Counts bytes that were read.
    ///
    /// - Throws: `CANCELLED` or `DEADLINE_EXCEEDED` when the reading is no longer wanted.
    func advance(by bytes: Int) throws(LensError) {
        try control.check()
        guard let progress else { return }
        let (done, total) = counts.withLock { counts in
            // What is read twice counts once.
            counts.done = min(counts.done + bytes, counts.total)
            return counts
        }
        progress(done, total)
    }
}
