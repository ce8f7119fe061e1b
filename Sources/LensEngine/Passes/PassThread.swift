import CLensSystem
import DequeModule
import Glibc
import LensCore
import LensModel
import LensTensor
import Synchronization

/// A piece of work for the engine's thread, done in steps so that others get their turn in between.
protocol PassJob<Value>: AnyObject, SendableMetatype {
    associatedtype Value: Sendable
    /// Does the next step: at most about a second of computing.
    ///
    /// - Returns: the result when all is done, `nil` when there is more to do.
    func step(on compute: Compute) throws(LensError) -> Value?
}

/// The thread that all passes run on, one step of one job at a time, in turn.
///
/// A step uses every core (``ComputePool``), so running two at once would gain nothing. No `await` and no socket call
/// happens inside a step.
final class PassThread: Sendable {
    private let queue = Mutex(Queue())
    private let wakeUp: WakeUp

    private struct Queue {
        var waiting: Deque<Entry> = []
        var running = 0
        var isStopped = false
    }

    /// A job with its types erased.
    private final class Entry: Sendable {
        let control: CallControl
        /// Does a step; true when the job has ended and its caller was told.
        let step: @Sendable () -> Bool
        /// Tells the caller that the job will not be done.
        let refuse: @Sendable (LensError) -> Void

        init(
            control: CallControl, step: @escaping @Sendable () -> Bool, refuse: @escaping @Sendable (LensError) -> Void
        ) {
            self.control = control
            self.step = step
            self.refuse = refuse
        }
    }

    private let pool: ComputePool

    /// - Throws: `RESOURCE_EXHAUSTED` where the system gives no thread.
    init(pool: ComputePool) throws(LensError) {
        self.pool = pool
        wakeUp = WakeUp()
        let box = Unmanaged.passRetained(Loop(self))
        var thread = pthread_t()
        let failed = pthread_create(
            &thread, nil,
            { argument in
                guard let argument else { return nil }
                Unmanaged<Loop>.fromOpaque(argument).takeRetainedValue().run()
                return nil
            }, box.toOpaque())
        if failed != 0 {
            box.release()
            throw .resourceExhausted("the system gives no thread for computing: \(String(cString: strerror(failed)))")
        }
        pthread_detach(thread)
    }

    /// Jobs waiting for their turn and jobs in the middle of a step.
    var counts: (waiting: Int, running: Int) { queue.withLock { ($0.waiting.count, $0.running) } }

    /// Runs a job to its end.
    ///
    /// - Throws: what the job throws; `CANCELLED` and `DEADLINE_EXCEEDED` also while it waits.
    func run<Job: PassJob>(_ job: sending Job, control: CallControl) async throws(LensError) -> Job.Value {
        // Only the pass thread touches the job from here on.
        nonisolated(unsafe) let job = job
        let outcome: Result<Job.Value, LensError> = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                enqueue(job, control: control, continuation: continuation)
            }
        } onCancel: {
            control.cancel()
            dropCancelled()
        }
        return try outcome.get()
    }

    private func enqueue<Job: PassJob>(
        _ job: Job, control: CallControl,
        continuation: CheckedContinuation<Result<Job.Value, LensError>, Never>
    ) {
        let compute = Compute(pool: pool, control: control)
        nonisolated(unsafe) let job = job
        let entry = Entry(
            control: control,
            step: {
                do throws(LensError) {
                    try control.check()
                    guard let value = try job.step(on: compute) else { return false }
                    continuation.resume(returning: .success(value))
                } catch {
                    continuation.resume(returning: .failure(error))
                }
                return true
            },
            refuse: { continuation.resume(returning: .failure($0)) })
        let isStopped = queue.withLock { queue in
            if !queue.isStopped { queue.waiting.append(entry) }
            return queue.isStopped
        }
        if isStopped { return entry.refuse(.unavailable("the engine is stopping")) }
        wakeUp.signal()
        // The call may have been cancelled before its job was in the queue.
        if control.isCancelled { dropCancelled() }
    }

    /// Answers waiting jobs that are no longer wanted, without waiting for their turn.
    private func dropCancelled() {
        let dropped = queue.withLock { queue in
            let dropped = queue.waiting.filter { $0.control.isCancelled }
            if !dropped.isEmpty { queue.waiting.removeAll { $0.control.isCancelled } }
            return dropped
        }
        for entry in dropped { entry.refuse(entry.control.reason ?? .cancelled) }
    }

    /// Ends the thread; jobs that wait are refused.
    func stop() {
        let refused = queue.withLock { queue in
            queue.isStopped = true
            defer { queue.waiting = [] }
            return queue.waiting
        }
        for entry in refused { entry.refuse(.unavailable("the engine is stopping")) }
        wakeUp.signal()
    }

    // MARK: - The thread's life

    private final class Loop: Sendable {
        private let thread: PassThread
        init(_ thread: PassThread) { self.thread = thread }
        func run() { thread.loop() }
    }

    private func loop() {
        while true {
            let (entry, isStopped) = queue.withLock { queue -> (Entry?, Bool) in
                let entry = queue.waiting.popFirst()
                if entry != nil { queue.running = 1 }
                return (entry, queue.isStopped)
            }
            guard let entry else {
                if isStopped { return }
                // A while without work: what the last passes used goes back to the system.
                if !wakeUp.wait(seconds: 2) {
                    SpareMemory.release()
                    lens_trim_memory()
                    wakeUp.wait()
                }
                continue
            }
            let isDone = entry.step()
            let refusal = queue.withLock { queue -> LensError? in
                queue.running = 0
                if isDone { return nil }
                if queue.isStopped { return .unavailable("the engine is stopping") }
                if entry.control.isCancelled { return entry.control.reason ?? .cancelled }
                queue.waiting.append(entry)
                return nil
            }
            if let refusal { entry.refuse(refusal) }
        }
    }

    /// A semaphore that the thread sleeps on.
    private final class WakeUp: @unchecked Sendable {
        private let semaphore = UnsafeMutablePointer<sem_t>.allocate(capacity: 1)
        init() { sem_init(semaphore, 0, 0) }
        func signal() { sem_post(semaphore) }
        func wait() { while sem_wait(semaphore) != 0 {} }

        /// False where nothing came within the time.
        func wait(seconds: Int) -> Bool {
            var deadline = timespec()
            clock_gettime(CLOCK_REALTIME, &deadline)
            deadline.tv_sec += seconds
            while sem_timedwait(semaphore, &deadline) != 0 {
                if errno != EINTR { return false }
            }
            return true
        }

        deinit {
            sem_destroy(semaphore)
            semaphore.deallocate()
        }
    }
}
