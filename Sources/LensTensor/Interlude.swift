import Synchronization

/// Other work that may come between the blocks of a ``ComputePool``'s work: whoever asks for it waits for some blocks, a
/// few milliseconds, not for the work.
public final class Interlude: Sendable {
    private let wanted = Atomic<Bool>(false)
    private let body = Mutex<Body?>(nil)

    /// A function in a struct: one that a `Mutex` holds by itself is wrapped once more each time the lock is taken, and
    /// the wrappings pile up.
    private struct Body {
        let play: @Sendable () -> Void
    }

    /// What is done in between, on the thread whose work it interrupts, with the pool free for it. It takes the request
    /// back before it ends.
    public func set(_ body: @escaping @Sendable () -> Void) {
        self.body.withLock { $0 = Body(play: body) }
    }

    /// Asked for, or no longer.
    public func request(_ isWanted: Bool) { wanted.store(isWanted, ordering: .relaxed) }

    var isWanted: Bool { wanted.load(ordering: .relaxed) }

    /// Called between blocks, by the thread that all the work belongs to.
    func run() {
        wanted.store(false, ordering: .relaxed)
        body.withLock { $0 }?.play()
    }
}
