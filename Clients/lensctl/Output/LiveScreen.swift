import Glibc
import LensTerminal

/// A page that is drawn again and again in place of what the terminal shows; that comes back at the end.
final class LiveScreen {
    private let descriptor = STDOUT_FILENO
    /// How the keyboard was; `nil` where there is none.
    private var keyboard: termios?

    /// Takes the screen, and the keys one by one.
    init() {
        var settings = termios()
        if isatty(STDIN_FILENO) == 1, tcgetattr(STDIN_FILENO, &settings) == 0 {
            keyboard = settings
            settings.c_lflag &= ~tcflag_t(ICANON | ECHO)
            tcsetattr(STDIN_FILENO, TCSANOW, &settings)
        }
        // The other screen, without a cursor.
        write("\u{1B}[?1049h\u{1B}[?25l")
    }

    /// Gives everything back; once.
    func leave() {
        write("\u{1B}[?25h\u{1B}[?1049l")
        if var keyboard { tcsetattr(STDIN_FILENO, TCSANOW, &keyboard) }
    }

    /// Draws as much of the page as there is room for.
    func draw(_ page: (Terminal) -> [StyledText]) {
        let terminal = Terminal.detect(descriptor: descriptor)
        let lines = page(terminal).prefix(rows).map { $0.rendered(on: terminal) + "\u{1B}[K" }
        write("\u{1B}[H" + lines.joined(separator: "\r\n") + "\u{1B}[J")
    }

    /// Waits so long; false where somebody has pressed q.
    ///
    /// - Throws: when the task is cancelled, as by Ctrl-C.
    func wait(for time: Duration) async throws -> Bool {
        let end = ContinuousClock.now + time
        while ContinuousClock.now < end {
            try await Task.sleep(for: .milliseconds(50))
            while let key = pressedKey() {
                if key == UInt8(ascii: "q") || key == UInt8(ascii: "Q") { return false }
            }
        }
        return true
    }

    private func pressedKey() -> UInt8? {
        guard keyboard != nil else { return nil }
        var news = pollfd(fd: STDIN_FILENO, events: Int16(POLLIN), revents: 0)
        var key: UInt8 = 0
        guard poll(&news, 1, 0) == 1, news.revents & Int16(POLLIN) != 0, read(STDIN_FILENO, &key, 1) == 1 else {
            return nil
        }
        return key
    }

    private var rows: Int {
        var size = winsize()
        return ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0 && size.ws_row > 0 ? Int(size.ws_row) : 24
    }

    private func write(_ text: String) { _ = Descriptor(descriptor).write(Array(text.utf8)) }
}
