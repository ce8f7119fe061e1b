import Glibc
import LensCore
import Synchronization

/// The threads that compute. A piece of work is cut into blocks, which the caller and the pool's threads take in turn.
///
/// OpenBLAS is kept at one thread: its own workers spin after a call and would take the cores from these.
/// One caller at a time: the engine's pass thread.
public final class ComputePool: Sendable {
    /// How many threads compute, the caller's among them.
    public let threads: Int
    /// What may come between two blocks.
    public let interlude = Interlude()
    private let shared: Shared

    public init(threads: Int) {
        self.threads = max(threads, 1)
        BLAS.useOneThread()
        shared = Shared()
        for _ in 1..<max(self.threads, 1) {
            let box = Unmanaged.passRetained(shared)
            var thread = pthread_t()
            let failed = pthread_create(
                &thread, nil,
                { argument in
                    guard let argument else { return nil }
                    Unmanaged<Shared>.fromOpaque(argument).takeRetainedValue().work()
                    return nil
                }, box.toOpaque())
            // Without the thread the work is done all the same, by those that started.
            if failed != 0 { box.release() } else { pthread_detach(thread) }
        }
    }

    deinit { shared.stop() }

    /// Grows with the work that is done; where it stands still nothing is.
    public var progress: Int { shared.blocksDone.load(ordering: .relaxed) }

    /// Runs `body` once for each block, in no order, on all threads; returns when all are done.
    ///
    /// Each block should be some milliseconds at most: between blocks the call is asked whether it is still wanted.
    ///
    /// - Throws: `CANCELLED` or `DEADLINE_EXCEEDED`; blocks not yet begun are then left out.
    public func run(
        blocks: Int, control: CallControl, _ body: @escaping @Sendable (_ block: Int) -> Void
    ) throws(LensError) {
        try control.check()
        if blocks <= 1 || threads == 1 {
            for block in 0..<blocks {
                if interlude.isWanted { interlude.run() }
                body(block)
                shared.blocksDone.wrappingAdd(1, ordering: .relaxed)
                try control.check()
            }
            return
        }
        let job = Job(blocks: blocks, control: control, interlude: interlude) { [shared] block in
            body(block)
            shared.blocksDone.wrappingAdd(1, ordering: .relaxed)
        }
        var next = 0
        repeat {
            if interlude.isWanted { interlude.run() }
            job.open(from: next)
            shared.publish(job)
            job.takeBlocks()
            next = job.close()
            shared.retract()
            try control.check()
        } while next < blocks
    }

    // MARK: - Work

    /// One piece of work: its blocks are counted up by whoever is free.
    private final class Job: Sendable {
        private let blocks: Int
        private let control: CallControl
        private let interlude: Interlude
        private let body: @Sendable (Int) -> Void
        private let next: Atomic<Int>
        /// Threads that may still be inside a block.
        private let active = Atomic<Int>(0)

        init(
            blocks: Int, control: CallControl, interlude: Interlude, body: @escaping @Sendable (Int) -> Void
        ) {
            self.blocks = blocks
            self.control = control
            self.interlude = interlude
            self.body = body
            next = Atomic(blocks)
        }

        /// Lets threads take blocks from this one on.
        func open(from block: Int) { next.store(block, ordering: .sequentiallyConsistent) }

        func takeBlocks() {
            active.add(1, ordering: .sequentiallyConsistent)
            while !control.isCancelled, !interlude.isWanted {
                let block = next.add(1, ordering: .sequentiallyConsistent).oldValue
                if block >= blocks { break }
                body(block)
                if control.reason != nil { break }
            }
            active.subtract(1, ordering: .acquiringAndReleasing)
        }

        /// After the caller's own `takeBlocks` no block is left, or none is to be begun before an interlude; those under
        /// way on other threads end soon.
        ///
        /// - Returns: the first block that was not begun.
        func close() -> Int {
            // A thread that looks at the job only now must find no block.
            let reached = next.exchange(blocks, ordering: .sequentiallyConsistent)
            var spins = 0
            while active.load(ordering: .sequentiallyConsistent) != 0 {
                spins += 1
                if spins > 4000 { sched_yield() }
            }
            return reached
        }
    }

    /// What the threads share: the present job and how they are woken.
    private final class Shared: @unchecked Sendable {
        // Raw pthread primitives, because a condition variable is what Swift's Mutex lacks.
        private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
        private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
        private var job: Job?
        private var isStopped = false
        /// Counts up with each published job, so that a thread sees news without the lock.
        private let generation = Atomic<Int>(0)
        let blocksDone = Atomic<Int>(0)

        init() {
            pthread_mutex_init(mutex, nil)
            pthread_cond_init(condition, nil)
        }

        deinit {
            pthread_cond_destroy(condition)
            pthread_mutex_destroy(mutex)
            condition.deallocate()
            mutex.deallocate()
        }

        func publish(_ job: Job) {
            pthread_mutex_lock(mutex)
            self.job = job
            generation.add(1, ordering: .releasing)
            pthread_cond_broadcast(condition)
            pthread_mutex_unlock(mutex)
        }

        func retract() {
            pthread_mutex_lock(mutex)
            job = nil
            pthread_mutex_unlock(mutex)
        }

        func stop() {
            pthread_mutex_lock(mutex)
            isStopped = true
            generation.add(1, ordering: .releasing)
            pthread_cond_broadcast(condition)
            pthread_mutex_unlock(mutex)
        }

        /// About a tenth of a millisecond: longer than the single-threaded work between two stages of a pass, which
        /// costs less than waking a thread, and short enough not to be felt by others.
        private static let spins = 100_000

        /// A thread's life: take part in each job, spin shortly for the next, then sleep.
        func work() {
            var seen = 0
            while true {
                var spins = 0
                while generation.load(ordering: .acquiring) == seen, spins < Self.spins { spins += 1 }
                pthread_mutex_lock(mutex)
                while generation.load(ordering: .relaxed) == seen, !isStopped { pthread_cond_wait(condition, mutex) }
                seen = generation.load(ordering: .relaxed)
                let current = job
                let stopped = isStopped
                pthread_mutex_unlock(mutex)
                if stopped { return }
                current?.takeBlocks()
            }
        }
    }
}
