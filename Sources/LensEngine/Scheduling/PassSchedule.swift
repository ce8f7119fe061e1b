import LensCore
import LensTensor

/// What waits for the pass thread, what the thread is at, and who waits for the results.
///
/// A value that knows nothing of threads, and of time only what it is told.
package struct PassSchedule {
    package typealias ID = FairQueue.ID
    package typealias Instant = ContinuousClock.Instant

    /// One call that waits for a piece of work.
    package struct Waiter: Sendable {
        package let id: ID
        package let user: UInt32
        package let control: CallControl
        package var progress: (@Sendable (Int, Int) -> Void)?
        package let answer: @Sendable (Result<any Sendable, LensError>) -> Void
        /// The call waits for its turn until this is left, or gone.
        fileprivate let wait: QueueWait.Piece
        /// Parts of the work that were done before the call came.
        fileprivate var doneBefore = 0

        package init(
            id: ID, user: UInt32, control: CallControl, progress: (@Sendable (Int, Int) -> Void)? = nil,
            answer: @escaping @Sendable (Result<any Sendable, LensError>) -> Void
        ) {
            self.id = id
            self.user = user
            self.control = control
            self.progress = progress
            self.answer = answer
            wait = control.queueWait.enter()
        }
    }

    fileprivate struct Entry {
        let work: PassWork
        let control: CallControl
        let question: ContentCache.Key?
        let urgency: Urgency
        let enteredAt: Instant
        var waiters: [Waiter]
        var progress: PassProgress?
        /// Of the next step.
        var ride: PassRide?
        var hasBegun = false
        var seconds = 0.0
        /// Something went wrong where it rode with others.
        var ridesAlone = false
    }

    /// Work for the thread: one step of one piece, or of several that go together.
    package struct Turn: Sendable {
        package let ids: [ID]
        package let works: [PassWork]
        package let control: CallControl
    }

    fileprivate struct Running {
        let ids: [ID]
        /// Who is charged for which share.
        let charges: [(id: ID, user: UInt32, urgency: Urgency, share: Double)]
        var since: Instant
    }

    private var queue: FairQueue
    private var entries: [ID: Entry] = [:]
    private var byQuestion: [ContentCache.Key: ID] = [:]
    private var entryOfWaiter: [ID: ID] = [:]
    /// What the thread is at; behind it what comes in between.
    private var running: [Running] = []
    private var speed = ComputeSpeed()
    package private(set) var counters = PassCounters()
    package var limits: QueueLimits
    package private(set) var isStopped = false

    package init(limits: QueueLimits, begunBytes: Int = 1 << 30) {
        self.limits = limits
        queue = FairQueue(begunLimit: begunBytes)
    }

    // MARK: - Calls come and go

    /// Whether a call of a user may come, whatever it asks.
    ///
    /// - Throws: `UNAVAILABLE`, `RESOURCE_EXHAUSTED` saying what is full and when to try again.
    package mutating func admit(_ user: UInt32) throws(LensError) {
        guard !isStopped else { throw .unavailable("the engine is stopping") }
        let own = queue.waitingCount(of: user)
        let isOwn = own >= limits.waitingPerUser
        guard isOwn || queue.waitingCount >= limits.waiting else { return }
        counters.refused += 1
        let seconds = secondsUntilRoom(for: isOwn ? user : nil)
        throw isOwn ? limits.refusal(ofUserWith: own, retryAfter: seconds) : limits.refusal(retryAfter: seconds)
    }

    /// Lets a call wait for a piece of work: its own, or that of others who ask the same question.
    package mutating func add(
        _ work: PassWork, asking question: ContentCache.Key?, for waiter: Waiter, now: Instant
    ) {
        var waiter = waiter
        if let question, let id = byQuestion[question], var entry = entries[id], entry.control.reason == nil {
            entry.control.join(waiter.control)
            waiter.doneBefore = entry.progress?.done ?? 0
            if entry.hasBegun { waiter.wait.leave() }
            entry.waiters.append(waiter)
            entries[id] = entry
            entryOfWaiter[waiter.id] = id
            queue.join(id, waiter.user)
            counters.joined += 1
            return
        }
        let id = waiter.id
        let isUrgent = !work.cost.isLong && speed.seconds(for: work.cost.firstOperations) <= QueueLimits.urgentSeconds
        entries[id] = Entry(
            work: work, control: question == nil ? waiter.control : CallControl(for: [waiter.control]),
            question: question, urgency: isUrgent ? .urgent : .long, enteredAt: now, waiters: [waiter],
            ride: work.ride)
        entryOfWaiter[id] = id
        if let question { byQuestion[question] = id }
        queue.add(
            id, isUrgent ? .urgent : .long, bytes: work.cost.bytes, continues: work.cost.continues, for: waiter.user)
    }

    /// A call ends before its work does.
    ///
    /// - Returns: what is to be answered now. Work that the thread is at and that is this call's alone notices by itself.
    package mutating func leave(_ waiterID: ID) -> Waiter? {
        guard let id = entryOfWaiter[waiterID], var entry = entries[id] else { return nil }
        let isRunning = running.contains { $0.ids.contains(id) }
        guard let index = entry.waiters.firstIndex(where: { $0.id == waiterID }),
            !isRunning || entry.waiters.count > 1
        else { return nil }
        let waiter = entry.waiters.remove(at: index)
        entryOfWaiter[waiterID] = nil
        entries[id] = entry
        if !entry.waiters.contains(where: { $0.user == waiter.user }) { queue.leave(id, waiter.user) }
        if entry.waiters.isEmpty { forget(id) }
        return waiter
    }

    /// Nothing more is begun.
    ///
    /// - Returns: who is to be told so.
    package mutating func stop() -> [Waiter] {
        isStopped = true
        let waiting = entries.keys.filter { id in !running.contains { $0.ids.contains(id) } }
        return waiting.flatMap { id in
            let waiters = entries[id]?.waiters ?? []
            forget(id)
            return waiters
        }
    }

    private mutating func forget(_ id: ID) {
        guard let entry = entries.removeValue(forKey: id) else { return }
        queue.remove(id)
        for waiter in entry.waiters { entryOfWaiter[waiter.id] = nil }
        if let question = entry.question, byQuestion[question] == id { byQuestion[question] = nil }
    }

    // MARK: - Turns

    /// Whether urgent work waits while the thread is at long work, and may come in between.
    package var wantsInterlude: Bool {
        guard running.count == 1, let id = running[0].ids.first, entries[id]?.urgency == .long else { return false }
        return queue.hasUrgent
    }

    /// The next turn, from which on the time is counted; `nil` where nothing waits, or nothing that may come now.
    ///
    /// In an interlude that is urgent work only, and as long as the work that it interrupts is wanted.
    package mutating func next(now: Instant) -> Turn? {
        if let outer = running.last {
            guard running.count == 1, let id = outer.ids.first, entries[id]?.control.reason == nil else { return nil }
        }
        guard let turn = queue.next(urgentOnly: !running.isEmpty), let first = entries[turn.id] else { return nil }
        var ids = [turn.id]
        if let ride = first.ride, !first.ridesAlone { ids += riders(of: ride) }
        var charges: [(id: ID, user: UInt32, urgency: Urgency, share: Double)] = []
        var works: [PassWork] = []
        var controls: [CallControl] = []
        let rows = ids.reduce(0) { $0 + (entries[$1]?.ride?.rows ?? 1) }
        for id in ids {
            guard var entry = entries[id] else { continue }
            if !entry.hasBegun {
                entry.hasBegun = true
                counters.waited(now - entry.enteredAt)
                for waiter in entry.waiters { waiter.wait.leave() }
                entries[id] = entry
            }
            works.append(entry.work)
            controls.append(entry.control)
            let user = id == turn.id ? turn.user : entry.waiters.first?.user ?? turn.user
            charges.append((id, user, entry.urgency, Double(entry.ride?.rows ?? 1) / Double(max(rows, 1))))
        }
        counters.steps += 1
        if ids.count > 1 { counters.batched += ids.count }
        settle(now)
        running.append(Running(ids: ids, charges: charges, since: now))
        return Turn(ids: ids, works: works, control: ids.count == 1 ? first.control : CallControl(for: controls))
    }

    /// Other steps that wait and can go through the model in the same batch, which stays short.
    private mutating func riders(of ride: PassRide) -> [ID] {
        var found: [ID] = []
        var rows = ride.rows
        var operations = ride.operations
        for id in queue.readyToRide(atMost: 256) where rows < ride.rowLimit {
            guard let entry = entries[id], !entry.ridesAlone, let other = entry.ride, other.key == ride.key,
                rows + other.rows <= ride.rowLimit, entry.control.reason == nil
            else { continue }
            rows += other.rows
            operations += other.operations
            guard rows <= ComputePool.fewRows || speed.seconds(for: operations) <= QueueLimits.urgentSeconds else {
                break
            }
            queue.take(id)
            found.append(id)
        }
        return found
    }

    /// Time up to now is charged to whoever the thread works for.
    private mutating func settle(_ now: Instant) {
        guard var current = running.popLast() else { return }
        let seconds = max((now - current.since) / Duration.seconds(1), 0)
        for charge in current.charges {
            queue.charge(charge.user, charge.urgency, seconds: seconds * charge.share)
            entries[charge.id]?.seconds += seconds * charge.share
        }
        current.since = now
        running.append(current)
    }

    /// What is to be told to whom after a turn.
    package struct News {
        package var answers: [(waiter: Waiter, outcome: Result<any Sendable, LensError>)] = []
        package var progress: [(waiter: Waiter, progress: PassProgress)] = []
    }

    /// How the turn's pieces of work stand after their step.
    package enum StepOutcome {
        case done(any Sendable)
        case more
        case failed(LensError)
        /// Together with others it failed: it goes again, alone.
        case again
    }

    /// A piece of work after its step.
    package struct Ended: Sendable {
        let id: ID
        let outcome: StepOutcome
        let progress: PassProgress?
        /// Of the step that comes next.
        let ride: PassRide?

        package init(id: ID, outcome: StepOutcome, progress: PassProgress? = nil, ride: PassRide? = nil) {
            self.id = id
            self.outcome = outcome
            self.progress = progress
            self.ride = ride
        }
    }

    /// Ends the turn that began last.
    package mutating func end(_ pieces: [Ended], now: Instant) -> News {
        settle(now)
        running.removeLast()
        if let outer = running.indices.last { running[outer].since = now }
        var news = News()
        for piece in pieces {
            let id = piece.id
            guard var entry = entries[id] else { continue }
            entry.ride = piece.ride
            if let progress = piece.progress, progress != entry.progress {
                entry.progress = progress
                news.progress += entry.waiters.compactMap { waiter in
                    waiter.progress == nil ? nil : (waiter, progress.seen(from: waiter.doneBefore))
                }
            }
            entries[id] = entry
            switch piece.outcome {
            case .done(let value):
                counters.passes += 1
                counters.rows += entry.work.cost.rows
                speed.measured(entry.work.cost.operations, seconds: entry.seconds)
                news.answers += entry.waiters.map { ($0, .success(value)) }
                forget(id)
            case .failed(let error):
                news.answers += entry.waiters.map { ($0, .failure($0.control.reason ?? error)) }
                forget(id)
            case .more, .again:
                if case .again = piece.outcome { entries[id]?.ridesAlone = true }
                let gone = entry.waiters.filter { $0.control.reason != nil }
                if isStopped {
                    news.answers += entry.waiters.map { ($0, .failure(.unavailable("the engine is stopping"))) }
                    forget(id)
                    continue
                }
                queue.putBack(id)
                for waiter in gone {
                    guard let left = leave(waiter.id) else { continue }
                    news.answers.append((left, .failure(left.control.reason ?? .cancelled)))
                }
            }
        }
        return news
    }

    // MARK: - Looking

    package var waitingCount: Int { queue.waitingCount }
    package func waitingCount(of user: UInt32) -> Int { queue.waitingCount(of: user) }
    var waitingCounts: [UInt32: Int] { queue.waitingCounts }
    package var runningCount: Int { running.count }

    /// About how long it takes until one of a user's pieces of work, or one of all, is through.
    private func secondsUntilRoom(for user: UInt32?) -> Double {
        let waiting = entries.values.filter { entry in
            user.map { user in entry.waiters.contains { $0.user == user } } ?? true
        }
        guard !waiting.isEmpty else { return 0 }
        let operations = waiting.reduce(0) { $0 + $1.work.cost.operations } / Double(waiting.count)
        return speed.seconds(for: operations) * Double(user == nil ? 1 : max(queue.userCount, 1))
    }
}

extension PassProgress {
    /// As somebody sees it who came when some parts were done: he has no way to know of them.
    fileprivate func seen(from doneBefore: Int) -> PassProgress {
        guard doneBefore > 0, total > doneBefore else { return self }
        let share = Double(done - doneBefore) / Double(total - doneBefore)
        return PassProgress(done: done >= total ? total : max(Int(share * Double(total)), 0), total: total)
    }
}
