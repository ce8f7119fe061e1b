import LensCore
import Synchronization

/// A load under way and the calls that wait for it.
final class ModelLoad: Sendable {
    /// Looked at by the thread that reads.
    let control = CallControl()
    let startedAt = ContinuousClock.now

    private struct Waiter {
        let continuation: CheckedContinuation<Result<RegisteredModel, LensError>, Never>
        let progress: @Sendable (LoadProgress) -> Void
    }

    private struct State {
        var waiters: [Int: Waiter] = [:]
        var nextWaiter = 0
        var progress: LoadProgress?
        var outcome: Result<RegisteredModel, LensError>?
        /// Whether it goes on when nobody waits any more.
        var goesOn = false
    }

    private let state = Mutex(State())

    var progress: LoadProgress? { state.withLock(\.progress) }

    /// Somebody asked for the model by name: the next one to ask will be glad of it even if this one has left.
    func goOn() { state.withLock { $0.goesOn = true } }

    func report(_ progress: LoadProgress) {
        let listeners = state.withLock { state in
            state.progress = progress
            return state.waiters.values.map(\.progress)
        }
        for listener in listeners { listener(progress) }
    }

    func finish(_ outcome: Result<RegisteredModel, LensError>) {
        let waiters = state.withLock { state in
            state.outcome = outcome
            defer { state.waiters = [:] }
            return state.waiters.values
        }
        for waiter in waiters { waiter.continuation.resume(returning: outcome) }
    }

    /// Waits for the end. The load is cancelled when the last one who waits has left, unless it is to go on.
    ///
    /// - Parameter control: the waiting call's own.
    /// - Throws: why the load failed; `CANCELLED` and `DEADLINE_EXCEEDED` of the waiting call.
    func wait(
        control: CallControl, progress: @escaping @Sendable (LoadProgress) -> Void
    ) async throws(LensError) -> RegisteredModel {
        let number = state.withLock { state in
            defer { state.nextWaiter += 1 }
            return state.nextWaiter
        }
        let outcome: Result<RegisteredModel, LensError> = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let (ended, reached) = state.withLock { state in
                    if state.outcome == nil {
                        state.waiters[number] = Waiter(continuation: continuation, progress: progress)
                    }
                    return (state.outcome, state.progress)
                }
                // Whoever comes late learns how far it is.
                if let reached { progress(reached) }
                if let ended { return continuation.resume(returning: ended) }
                // The call may have been cancelled before it was among those who wait.
                if Task.isCancelled || control.isCancelled { leave(number, control) }
            }
        } onCancel: {
            leave(number, control)
        }
        return try outcome.get()
    }

    private func leave(_ number: Int, _ waiting: CallControl) {
        let (waiter, isAbandoned) = state.withLock { state in
            let waiter = state.waiters.removeValue(forKey: number)
            return (waiter, waiter != nil && state.waiters.isEmpty && !state.goesOn)
        }
        if isAbandoned { control.cancel() }
        waiter?.continuation.resume(returning: .failure(waiting.reason ?? .cancelled))
    }
}
