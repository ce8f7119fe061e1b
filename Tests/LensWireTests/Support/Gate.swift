import LensCore
import LensWire
import Synchronization

/// Holds handlers until a test lets them go on.
final class Gate: Sendable {
    private struct State {
        var isOpen = false
        var held = 0
        var waiters: [CheckedContinuation<Void, Never>] = []
    }

    private let state = Mutex(State())

    /// How many handlers have come.
    var held: Int { state.withLock { $0.held } }

    func pass() async {
        await withCheckedContinuation { continuation in
            let isOpen = state.withLock { state in
                state.held += 1
                if !state.isOpen { state.waiters.append(continuation) }
                return state.isOpen
            }
            if isOpen { continuation.resume() }
        }
    }

    func open() {
        let waiters = state.withLock { state in
            state.isOpen = true
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in waiters { waiter.resume() }
    }

    /// Returns once so many handlers are held.
    func waitForHeld(_ count: Int) async throws {
        for _ in 0..<2000 where held < count { try await Task.sleep(for: .milliseconds(2)) }
        guard held >= count else { throw LensError(.internal, "\(held) of \(count) handlers came") }
    }

    /// The echo router, but `run` and `query` wait here before they answer.
    var router: Router {
        var router = Router.echo
        router.unary(.run) { [self] _, _ in
            await pass()
            return RunReply(runID: "", model: "m", form: .processed, fingerprint: "f", loss: 0.5, prompts: [])
        }
        router.streaming(.query) { [self] _, _, sink in
            await pass()
            for _ in 0..<64 { try await sink.send(.values(ValueBytes([UInt8](repeating: 1, count: 64 << 10)))) }
        }
        return router
    }
}
