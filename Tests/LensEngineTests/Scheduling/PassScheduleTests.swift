import LensCore
import LensEngine
import LensModel
import Synchronization
import Testing

@Suite struct PassScheduleTests {
    private var schedule = PassSchedule(limits: QueueLimits(waiting: 100, waitingPerUser: 10))
    private var now = ContinuousClock.now
    private let answers = Answers()

    /// What callers heard, by the number of their call.
    private final class Answers: Sendable {
        let outcomes = Mutex<[Int: Result<Int, LensError>]>([:])
        let progress = Mutex<[Int: [Int]]>([:])

        subscript(id: Int) -> Result<Int, LensError>? { outcomes.withLock { $0[id] } }

        func waiter(_ id: Int, user: UInt32, control: CallControl) -> PassSchedule.Waiter {
            PassSchedule.Waiter(id: id, user: user, control: control) { [self] done, _ in
                progress.withLock { $0[id, default: []].append(done) }
            } answer: { [self] outcome in
                outcomes.withLock { $0[id] = outcome.map { $0 as? Int ?? -1 } }
            }
        }
    }

    private final class Job: PassJob {
        let cost: PassCost
        init(_ cost: PassCost) { self.cost = cost }
        func step(on compute: Compute) throws(LensError) -> Int? { nil }
    }

    private let sweep = PassCost(operations: 1e9, rows: 10, isLong: true)
    private let run = PassCost(operations: 1e6, rows: 1)

    private static func question(_ number: Int) -> ContentCache.Key {
        ContentCache.Key(digest: PassDigest { $0.add(number) }, point: nil)
    }

    private mutating func add(
        _ id: Int, _ cost: PassCost, user: UInt32, asking question: Int? = nil, control: CallControl = CallControl()
    ) {
        schedule.add(
            PassWork(Job(cost)), asking: question.map(Self.question),
            for: answers.waiter(id, user: user, control: control), now: now)
    }

    private mutating func end(
        _ turn: PassSchedule.Turn?, _ outcome: PassSchedule.StepOutcome, progress: PassProgress? = nil,
        after milliseconds: Int = 25
    ) {
        now += .milliseconds(milliseconds)
        let news = schedule.end(
            (turn?.ids ?? []).map { PassSchedule.Ended(id: $0, outcome: outcome, progress: progress) }, now: now)
        for (waiter, progress) in news.progress { waiter.progress?(progress.done, progress.total) }
        for (waiter, outcome) in news.answers { waiter.answer(outcome) }
    }

    /// What has the next turn.
    private mutating func next() -> [Int]? { schedule.next(now: now)?.ids }

    /// What somebody is told who comes with another call.
    private mutating func refusal(of user: UInt32) -> LensError? {
        do throws(LensError) {
            try schedule.admit(user)
            return nil
        } catch {
            return error
        }
    }

    @Test mutating func urgentWorkComesInBetween() {
        for id in 0..<5 { add(id, sweep, user: 1) }
        let long = schedule.next(now: now)
        #expect(!schedule.wantsInterlude)
        add(10, run, user: 2)
        add(11, run, user: 1)
        #expect(schedule.wantsInterlude)
        let first = schedule.next(now: now)
        #expect([[10], [11]].contains(first?.ids))
        // No deeper than that.
        #expect(!schedule.wantsInterlude)
        #expect(next() == nil)
        end(first, .done(1), after: 1)
        end(schedule.next(now: now), .done(1), after: 1)
        #expect(next() == nil)
        end(long, .done(7))
        #expect(answers[0] == .success(7))
        #expect(answers[10] == .success(1))
        #expect(answers[11] == .success(1))
    }

    /// The time of an interlude is charged to whoever it was for, not to whom it interrupted.
    @Test mutating func interludesAreChargedToTheirUsers() {
        add(0, sweep, user: 1)
        add(1, sweep, user: 2)
        let long = schedule.next(now: now)
        add(10, run, user: 3)
        end(schedule.next(now: now), .done(0), after: 5000)
        end(long, .more, after: 30)
        let other = schedule.next(now: now)
        #expect(other?.ids != long?.ids)
        end(other, .more, after: 20)
        // 20 ms less than the first has had, whatever the run in between took.
        #expect(next() == other?.ids)
    }

    @Test mutating func oneQuestionIsComputedOnce() {
        add(1, sweep, user: 1, asking: 7)
        let turn = schedule.next(now: now)
        end(turn, .more, progress: PassProgress(done: 50, total: 100))
        add(2, sweep, user: 2, asking: 7)
        add(3, sweep, user: 2, asking: 8)
        #expect(schedule.waitingCount == 2)
        #expect(schedule.waitingCount(of: 2) == 2)
        #expect(schedule.counters.joined == 1)
        let shared = schedule.next(now: now)
        end(shared, .more, progress: PassProgress(done: 75, total: 100))
        end(schedule.next(now: now), .more)
        // The second sees its own way from the beginning: half of what was left when it came.
        #expect(answers.progress.withLock { $0 } == [1: [50, 75], 2: [50]])
        end(schedule.next(now: now), .done(42), progress: PassProgress(done: 100, total: 100))
        #expect(answers[1] == .success(42))
        #expect(answers[2] == .success(42))
        #expect(answers.progress.withLock { $0[2]?.last } == 100)
        #expect(answers[3] == nil)
    }

    @Test mutating func whoLeavesDoesNotTakeTheWorkAlong() {
        let (first, second) = (CallControl(), CallControl())
        add(1, sweep, user: 1, asking: 7, control: first)
        let turn = schedule.next(now: now)
        add(2, sweep, user: 2, asking: 7, control: second)
        first.cancel()
        let left = schedule.leave(1)
        #expect(left?.id == 1)
        #expect(turn?.control.reason == nil)
        #expect(schedule.waitingCount(of: 1) == 0)
        end(turn, .more)
        #expect(next() == turn?.ids)
        // The last one leaves: nobody wants the work any more, and it notices itself.
        second.cancel()
        let none = schedule.leave(2)
        #expect(none == nil)
        #expect(turn?.control.reason == .cancelled)
        // A newcomer begins anew instead of sharing the end of it.
        add(3, sweep, user: 3, asking: 7)
        end(turn, .failed(.cancelled))
        #expect(answers[2] == .failure(.cancelled))
        end(schedule.next(now: now), .done(3))
        #expect(answers[3] == .success(3))
    }

    @Test mutating func lateAndCancelledCallsEndWhileTheyWait() {
        let late = CallControl(deadline: .now - .seconds(1))
        add(1, sweep, user: 1, asking: 7)
        add(2, sweep, user: 2, asking: 7, control: late)
        end(schedule.next(now: now), .more)
        #expect(answers[2] == .failure(.deadlineExceeded))
        #expect(answers[1] == nil)
        let left = schedule.leave(1)
        #expect(left?.id == 1)
        #expect(next() == nil)
        #expect(schedule.waitingCount == 0)
    }

    @Test mutating func fullQueuesSayWhenToRetry() {
        for id in 0..<10 { add(id, PassCost(operations: 4e10, rows: 1, isLong: true), user: 1) }
        let own = refusal(of: 1)
        #expect(own?.code == .resourceExhausted)
        #expect(own?.message == "a user may have 10 passes and sweeps waiting and you have 10; retry in about 2 s")
        #expect(own?.retryAfter == .seconds(2))
        #expect(refusal(of: 2) == nil)
        for id in 10..<100 { add(id, sweep, user: UInt32(id)) }
        let all = refusal(of: 200)
        #expect(all?.code == .resourceExhausted)
        #expect(all?.message.contains("100 places") == true)
        #expect(all?.message.hasSuffix("retry in about 1 s") == true)
        #expect(schedule.counters.refused == 2)
        schedule.limits.waitingPerUser = 20
        schedule.limits.waiting = 200
        #expect(refusal(of: 1) == nil)
    }

    @Test mutating func stoppingTellsEverybody() {
        add(1, sweep, user: 1)
        let turn = schedule.next(now: now)
        add(2, sweep, user: 1)
        let told = schedule.stop()
        #expect(told.map(\.id) == [2])
        end(turn, .more)
        guard case .failure(let error) = answers[1] else {
            Issue.record("a job went on after the stop")
            return
        }
        #expect(error.code == .unavailable)
        #expect(refusal(of: 1)?.code == .unavailable)
    }

    @Test mutating func waitingIsCounted() {
        add(1, run, user: 1)
        now += .milliseconds(3)
        end(schedule.next(now: now), .more)
        end(schedule.next(now: now), .done(1))
        let counters = schedule.counters
        #expect(counters.waitCount == 1)
        #expect(abs(counters.waitSeconds - 0.003) < 1e-6)
        #expect(counters.waits.first == 0)
        #expect(counters.waits.dropFirst().allSatisfy { $0 == 1 })
        #expect(counters.steps == 2)
        #expect(counters.passes == 1)
        #expect(counters.rows == 1)
    }
}
