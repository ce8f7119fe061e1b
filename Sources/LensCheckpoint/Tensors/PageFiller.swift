import Glibc
import Synchronization

/// Has the system provide the pages of fresh memory from a second thread, ahead of the one that writes there.
///
/// Clearing a page takes longer than reading, hashing and converting what goes into it. The memory's contents are never
/// touched, so that nothing can race.
final class PageFiller: Sendable {
    private let start: UInt
    private let byteCount: Int
    private let isWanted = Atomic(true)
    private let thread = Mutex<pthread_t?>(nil)

    /// Less than this is not worth a thread.
    private static let threshold = 8 << 20
    private static let step = 4 << 20
    /// `MADV_POPULATE_WRITE` of Linux 5.14; an older kernel refuses, and pages come as they are written.
    private static let populate: Int32 = 23

    /// Begins with memory that stays where it is until ``stop()``.
    init(_ memory: UnsafeMutableRawBufferPointer) {
        let page = UInt(sysconf(Int32(_SC_PAGESIZE)))
        let address = UInt(bitPattern: memory.baseAddress)
        // Whole pages only.
        start = (address + page - 1) / page * page
        byteCount = memory.count < Self.threshold ? 0 : memory.count - Int(start - address)
        guard byteCount > 0 else { return }
        let box = Unmanaged.passRetained(self)
        var identifier = pthread_t()
        let failed = pthread_create(
            &identifier, nil,
            { argument in
                guard let argument else { return nil }
                Unmanaged<PageFiller>.fromOpaque(argument).takeRetainedValue().fill()
                return nil
            }, box.toOpaque())
        if failed != 0 { box.release() } else { thread.withLock { $0 = identifier } }
    }

    /// Ends it, done or not; the memory may go afterwards.
    func stop() {
        isWanted.store(false, ordering: .relaxed)
        let identifier = thread.withLock { thread in
            defer { thread = nil }
            return thread
        }
        if let identifier { pthread_join(identifier, nil) }
    }

    private func fill() {
        var done = 0
        while done < byteCount, isWanted.load(ordering: .relaxed) {
            let count = min(Self.step, byteCount - done)
            guard madvise(UnsafeMutableRawPointer(bitPattern: start + UInt(done)), count, Self.populate) == 0 else {
                return
            }
            done += count
        }
    }
}
