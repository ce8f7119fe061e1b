import Glibc
import LensTerminal
import Synchronization

/// A progress bar on standard error, where that is a terminal; nothing elsewhere.
///
/// Work that is done within a fifth of a second never shows one.
final class Progress: Sendable {
    private struct State {
        var started = ContinuousClock.now
        var drawn: ContinuousClock.Instant?
    }

    private let title: String
    private let isShown: Bool
    private let terminal: Terminal
    private let state = Mutex(State())

    init(_ title: String, on console: Console) {
        self.title = title
        terminal = .detect(descriptor: STDERR_FILENO)
        isShown = !console.isJSON && isatty(STDERR_FILENO) == 1
    }

    func update(done: Int, total: Int) {
        guard isShown else { return }
        state.withLock { state in
            let now = ContinuousClock.now
            guard now - state.started > .milliseconds(200) else { return }
            if let drawn = state.drawn, now - drawn < .milliseconds(50), done < total { return }
            state.drawn = now
            write(
                "\r" + ProgressBar(title: title, done: done, total: total).line(on: terminal).rendered(on: terminal)
                    + "\u{1B}[K")
        }
    }

    /// Takes the bar away.
    func finish() {
        state.withLock { state in
            if state.drawn != nil { write("\r\u{1B}[K") }
            state.drawn = nil
        }
    }

    private func write(_ text: String) {
        _ = Descriptor(STDERR_FILENO).write(Array(text.utf8))
    }
}
