import LensCore
import LensEngine
import LensModel
import LensTensor
import Synchronization
import Testing

@Suite struct PassThreadTests {
    private let thread: PassThread

    init() throws {
        thread = try PassThread(
            pool: ComputePool(threads: 2), results: ContentCache(capacity: 1 << 20, quota: 1 << 20),
            limits: QueueLimits(waiting: 1000, waitingPerUser: 1000))
    }

    /// Goes on, in a single step, until it is told to stop or has done very much.
    private final class EndlessStep: PassJob {
        let cost = PassCost(operations: 1e12, rows: 1, isLong: true)
        private let isDone: @Sendable () -> Bool
        private let began: @Sendable () -> Void

        init(began: @escaping @Sendable () -> Void, until isDone: @escaping @Sendable () -> Bool) {
            self.began = began
            self.isDone = isDone
        }

        func step(on compute: Compute) throws(LensError) -> Int? {
            began()
            let blocks = Atomic(0)
            let count = Counted(blocks)
            for _ in 0..<200_000 where !isDone() {
                try compute.pool.run(blocks: 64, control: compute.control) { _ in count.add() }
                guard count.value % 64 == 0 else { throw LensError(.internal, "a block was lost or done twice") }
            }
            return isDone() ? count.value : nil
        }
    }

    private final class Counted: Sendable {
        private let count: Atomic<Int>
        init(_ count: consuming Atomic<Int>) { self.count = count }
        func add() { count.add(1, ordering: .relaxed) }
        var value: Int { count.load(ordering: .relaxed) }
    }

    private final class Quick: PassJob {
        let cost = PassCost(operations: 1e3, rows: 1)
        private let body: @Sendable (Compute) -> Void
        init(_ body: @escaping @Sendable (Compute) -> Void) { self.body = body }
        func step(on compute: Compute) throws(LensError) -> Int? {
            body(compute)
            return 1
        }
    }

    private final class Flag: Sendable {
        private let value = Atomic(false)
        func set() { value.store(true, ordering: .sequentiallyConsistent) }
        var isSet: Bool { value.load(ordering: .sequentiallyConsistent) }
    }

    /// A short call is answered in the middle of a long step, which loses no block by it; the step ends because of it.
    @Test func urgentWorkInterruptsAStep() async throws {
        defer { thread.stop() }
        let (began, quickIsDone) = (Flag(), Flag())
        async let long = thread.run(
            EndlessStep(began: began.set, until: { quickIsDone.isSet }), for: 1, control: CallControl())
        while !began.isSet { await Task.yield() }
        let inside = Flag()
        let result = try await thread.run(
            Quick { compute in
                // The pool is free for it.
                try? compute.pool.run(blocks: 16, control: compute.control) { _ in inside.set() }
                quickIsDone.set()
            }, for: 2, control: CallControl())
        #expect(result == 1)
        #expect(inside.isSet)
        #expect(try await long >= 0)
    }

    /// Long work of others waits for the end of the step.
    @Test func longWorkDoesNot() async throws {
        defer { thread.stop() }
        let (began, end) = (Flag(), Flag())
        let control = CallControl()
        let long = Task { [thread] in
            try await thread.run(EndlessStep(began: began.set, until: { end.isSet }), for: 1, control: control)
        }
        while !began.isSet { await Task.yield() }
        async let other = thread.run(
            EndlessStep(began: {}, until: { true }), for: 2, control: CallControl())
        while thread.counts.waiting == 0 { await Task.yield() }
        #expect(thread.counts.waiting == 1)
        #expect(thread.counts.running == 1)
        end.set()
        _ = try await other
        _ = try await long.value
    }

    @Test func manyInterludesLoseNothing() async throws {
        defer { thread.stop() }
        let (began, end) = (Flag(), Flag())
        async let long = thread.run(
            EndlessStep(began: began.set, until: { end.isSet }), for: 1, control: CallControl())
        while !began.isSet { await Task.yield() }
        try await withThrowingTaskGroup(of: Int.self) { group in
            for user in 0..<200 {
                group.addTask { [thread] in
                    try await thread.run(Quick { _ in }, for: UInt32(user % 7), control: CallControl())
                }
            }
            var sum = 0
            for try await result in group { sum += result }
            #expect(sum == 200)
        }
        end.set()
        #expect(try await long > 0)
    }
}
