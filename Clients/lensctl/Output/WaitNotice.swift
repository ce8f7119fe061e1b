import Glibc
import LensCore
import Synchronization

/// Says once on a terminal's standard error that the program waits for its daemon; nothing elsewhere.
final class WaitNotice: Sendable {
    private let isShown: Bool
    private let wasSaid = Atomic(false)

    init(isShown: Bool) {
        self.isShown = isShown && isatty(STDERR_FILENO) == 1
    }

    /// - Parameter error: why the daemon does not answer now.
    func show(_ error: LensError) {
        guard isShown, !wasSaid.exchange(true, ordering: .relaxed) else { return }
        Console.complain(
            error.code == .unavailable ? "waiting for the daemon…" : "the daemon is busy; waiting for its time…")
    }
}
