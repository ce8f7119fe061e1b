internal import LensCore
internal import Synchronization

/// How many bytes one call may still send: what the client gave credit for, and what the socket has room for.
///
/// A message goes out while there is any credit left, whatever its size, so that a small window cannot stop a call for
/// good; what it overdraws is paid back first. Handlers wait here in the order in which they came.
final class ReplyWindow: Sendable {
    private struct Waiter {
        let number: UInt64
        let bytes: Int
        let continuation: CheckedContinuation<LensError?, Never>
    }

    private struct State {
        var credit: Int
        var unwritten = 0
        var waiters: [Waiter] = []
        var nextNumber: UInt64 = 0
        var waitingSince: ContinuousClock.Instant?
        var closed: LensError?
    }

    private let unwrittenLimit: Int
    private let state: Mutex<State>

    /// - Parameters:
    ///   - credit: bytes that the client has room for.
    ///   - unwrittenLimit: bytes that may wait for the socket.
    init(credit: Int, unwrittenLimit: Int) {
        self.unwrittenLimit = unwrittenLimit
        state = Mutex(State(credit: credit))
    }

    /// Waits until a message of so many bytes may go.
    ///
    /// - Throws: what the window was closed with, or `CANCELLED`.
    func reserve(_ bytes: Int) async throws(LensError) {
        let number = state.withLock { state in
            state.nextNumber += 1
            return state.nextNumber
        }
        let error = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let answer: LensError?? = state.withLock { state in
                    if let closed = state.closed { return closed }
                    if Task.isCancelled { return .cancelled }
                    if state.waiters.isEmpty, hasRoom(state) {
                        take(bytes, from: &state)
                        return .some(nil)
                    }
                    if state.waitingSince == nil { state.waitingSince = .now }
                    state.waiters.append(Waiter(number: number, bytes: bytes, continuation: continuation))
                    return nil
                }
                if let answer { continuation.resume(returning: answer) }
            }
        } onCancel: {
            let waiter = state.withLock { state -> Waiter? in
                guard let index = state.waiters.firstIndex(where: { $0.number == number }) else { return nil }
                return state.waiters.remove(at: index)
            }
            waiter?.continuation.resume(returning: .cancelled)
        }
        if let error { throw error }
    }

    /// The client has room for more.
    func add(credit: Int) {
        change { $0.credit = min($0.credit + credit, 1 << 40) }
    }

    /// The socket took so many bytes.
    func wrote(_ bytes: Int) {
        change { $0.unwritten -= bytes }
    }

    /// Ends all waiting, now and later; the first error stays.
    func close(_ error: LensError) {
        let waiters = state.withLock { state in
            if state.closed == nil { state.closed = error }
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in waiters { waiter.continuation.resume(returning: error) }
    }

    /// Since when a handler has waited without anything moving; `nil` where none waits.
    var waitingSince: ContinuousClock.Instant? {
        state.withLock { $0.waiters.isEmpty ? nil : $0.waitingSince }
    }

    private func change(_ body: (inout State) -> Void) {
        let ready = state.withLock { state in
            body(&state)
            var ready: [Waiter] = []
            while let first = state.waiters.first, hasRoom(state) {
                take(first.bytes, from: &state)
                ready.append(state.waiters.removeFirst())
            }
            state.waitingSince = state.waiters.isEmpty ? nil : .now
            return ready
        }
        for waiter in ready { waiter.continuation.resume(returning: nil) }
    }

    private func hasRoom(_ state: State) -> Bool {
        state.credit > 0 && state.unwritten < unwrittenLimit
    }

    private func take(_ bytes: Int, from state: inout State) {
        state.credit -= bytes
        state.unwritten += bytes
    }
}
