import CLensSystem
import Glibc
import LensCore
import LensModel
import LensTensor
import Synchronization

/// The thread that all passes run on, one step of one job at a time, in the order that ``FairQueue`` gives.
///
/// A step uses every core (``ComputePool``), so running two at once would gain nothing. Urgent work does not wait for a
/// long step to end: it comes in between two blocks of it, on this same thread, no deeper than that. No `await` and no
/// socket call happens inside a step.
package final class PassThread: Sendable {
    private let pool: ComputePool
    private let results: ContentCache
    private let schedule: Mutex<PassSchedule>
    private let wakeUp = WakeUp()
    private let ids = Atomic<Int>(0)

    /// - Parameter results: where the results of questions are kept.
    /// - Throws: `RESOURCE_EXHAUSTED` where the system gives no thread.
    package init(pool: ComputePool, results: ContentCache, limits: QueueLimits) throws(LensError) {
        self.pool = pool
        self.results = results
        schedule = Mutex(PassSchedule(limits: limits))
        pool.interlude.set { [weak self] in self?.playInterlude() }
        let box = Unmanaged.passRetained(self)
        var thread = pthread_t()
        let failed = pthread_create(
            &thread, nil,
            { argument in
                guard let argument else { return nil }
                Unmanaged<PassThread>.fromOpaque(argument).takeRetainedValue().loop()
                return nil
            }, box.toOpaque())
        if failed != 0 {
            box.release()
            throw .resourceExhausted("the system gives no thread for computing: \(String(cString: strerror(failed)))")
        }
        pthread_detach(thread)
    }

    // MARK: - Calls

    /// Runs a job to its end, or takes part in what is computed for others, or was.
    ///
    /// - Parameters:
    ///   - user: who is charged for it.
    ///   - question: what the job answers; `nil` where nobody can ask the same.
    ///   - takesKept: whether a result from earlier will do.
    ///   - progress: is told on the engine's thread how far the job is.
    /// - Throws: what the job throws; `CANCELLED` and `DEADLINE_EXCEEDED` also while it waits; `RESOURCE_EXHAUSTED` where
    ///   too much waits already.
    package func run<Job: PassJob>(
        _ job: sending Job, for user: UInt32, asking question: ContentCache.Key? = nil, takesKept: Bool = true,
        control: CallControl, progress: (@Sendable (Int, Int) -> Void)? = nil
    ) async throws(LensError) -> Job.Value {
        let work = PassWork(job)
        try control.check()
        // What is there already is no way past a full queue: that would tell that somebody asked.
        if !work.cost.continues {
            try schedule.withLock { (schedule) throws(LensError) in try schedule.admit(user) }
        }
        if let question, takesKept, let kept: KeptResult = results.value(for: question, user: user),
            let value = kept.value as? Job.Value
        {
            if let parts = work.job.progress { progress?(parts.total, parts.total) }
            return value
        }
        let id = ids.add(1, ordering: .relaxed).newValue
        let outcome: Result<any Sendable, LensError> = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let waiter = PassSchedule.Waiter(
                    id: id, user: user, control: control, progress: progress,
                    answer: { continuation.resume(returning: $0) })
                add(work, asking: question, for: waiter)
            }
        } onCancel: {
            control.cancel()
            leave(id)
        }
        guard let value = try outcome.get() as? Job.Value else {
            throw LensError(.internal, "a job gave another kind of result than it should")
        }
        if let question, let value = value as? any KeptAnswer { keep(value, of: question, for: user) }
        return value
    }

    private func add(_ work: PassWork, asking question: ContentCache.Key?, for waiter: PassSchedule.Waiter) {
        let isStopped = schedule.withLock { schedule in
            guard !schedule.isStopped else { return true }
            schedule.add(work, asking: question, for: waiter, now: .now)
            if schedule.wantsInterlude { pool.interlude.request(true) }
            return false
        }
        if isStopped { return waiter.answer(.failure(.unavailable("the engine is stopping"))) }
        wakeUp.signal()
        // The call may have been cancelled before its job was in the queue.
        if waiter.control.isCancelled { leave(waiter.id) }
    }

    /// Answers a call that is not wanted any more, without waiting for its turn.
    private func leave(_ id: PassSchedule.ID) {
        let left = schedule.withLock { $0.leave(id) }
        if let left { left.answer(.failure(left.control.reason ?? .cancelled)) }
    }

    /// Ends the thread; calls that wait are refused.
    package func stop() {
        let refused = schedule.withLock { $0.stop() }
        for waiter in refused { waiter.answer(.failure(.unavailable("the engine is stopping"))) }
        wakeUp.signal()
    }

    // MARK: - Looking

    /// Jobs waiting for their turn and jobs in the middle of a step.
    package var counts: (waiting: Int, running: Int) { schedule.withLock { ($0.waitingCount, $0.runningCount) } }
    package var counters: PassCounters { schedule.withLock { $0.counters } }

    /// Jobs of a user that wait for their turn.
    package func waitingCount(of user: UInt32) -> Int { schedule.withLock { $0.waitingCount(of: user) } }

    /// By user, of those who have any.
    var waitingCounts: [UInt32: Int] { schedule.withLock { $0.waitingCounts } }

    var limits: QueueLimits {
        get { schedule.withLock { $0.limits } }
        set { schedule.withLock { $0.limits = newValue } }
    }

    // MARK: - The thread's life

    private func loop() {
        while true {
            let (turn, isStopped) = schedule.withLock { ($0.next(now: .now), $0.isStopped) }
            if let turn {
                perform(turn)
                continue
            }
            if isStopped { return }
            // A while without work: what the last passes used goes back to the system.
            if !wakeUp.wait(seconds: 2) {
                SpareMemory.release()
                lens_trim_memory()
                wakeUp.wait()
            }
        }
    }

    /// Urgent work between two blocks of a long step.
    private func playInterlude() {
        while let turn = nextInInterlude() { perform(turn) }
    }

    private func nextInInterlude() -> PassSchedule.Turn? {
        schedule.withLock { schedule in
            // From here on whoever comes is seen by this loop.
            pool.interlude.request(false)
            return schedule.next(now: .now)
        }
    }

    /// Does a step of everything in a turn and tells whoever waits for it.
    private func perform(_ turn: consuming PassSchedule.Turn) {
        var outcomes = step(turn.works, on: Compute(pool: pool, control: turn.control))
        var ended: [PassSchedule.Ended] = []
        for (id, work) in zip(turn.ids, turn.works).reversed() {
            guard let outcome = outcomes.popLast() else { continue }
            ended.append(
                PassSchedule.Ended(
                    id: id, outcome: outcome, progress: work.job.progress, ride: (work.job as? any RidingJob)?.ride))
        }
        // Nobody else holds what a result is made of when its caller gets it.
        turn = PassSchedule.Turn(ids: [], works: [], control: turn.control)
        let news = schedule.withLock { [ended] schedule in schedule.end(ended, now: .now) }
        for (waiter, progress) in news.progress { waiter.progress?(progress.done, progress.total) }
        for (waiter, outcome) in news.answers { waiter.answer(outcome) }
    }

    private func step(_ works: [PassWork], on compute: Compute) -> [PassSchedule.StepOutcome] {
        do throws(LensError) {
            try compute.control.check()
            guard works.count > 1, let first = works[0].job as? any RidingJob else {
                guard let value = try works.first?.job.stepErased(on: compute) else { return [.more] }
                return [.done(value)]
            }
            return try first.stepErased(together: works.map(\.job), on: compute).map { result in
                switch result {
                case .success(nil): .more
                case .success(let value?): .done(value)
                case .failure(let error): .failed(error)
                }
            }
        } catch {
            let isOver = compute.control.reason != nil
            return works.map { _ in works.count > 1 && !isOver ? .again : .failed(error) }
        }
    }

    /// Keeps the result of a question for whoever asks it again.
    ///
    /// On the caller's thread, in memory of that thread's: small pieces kept for long between the large ones that the pass
    /// thread takes and gives back would leave holes that nothing large fits into any more.
    private func keep(_ value: any KeptAnswer, of question: ContentCache.Key, for user: UInt32) {
        if results.contains([question]) { return results.use([question], by: user) }
        results.insert(KeptResult(value: value.copied()), for: question, users: [user])
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

/// The answer to a question, which is small beside what was computed for it.
protocol KeptAnswer: CachedValue {
    /// The same in memory of its own.
    func copied() -> Self
}

/// The answer to a question among what is kept.
private struct KeptResult: CachedValue {
    let value: any KeptAnswer
    var byteCount: Int { value.byteCount }
}
