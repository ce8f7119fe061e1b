import Glibc
import LensCore
import LensTerminal

/// Where a command's answer goes: standard output, as text for what is connected there or as one JSON object.
struct Console: Sendable {
    let isJSON: Bool
    /// What standard output can show.
    let terminal: Terminal

    init(isJSON: Bool) {
        self.isJSON = isJSON
        terminal = .detect(descriptor: STDOUT_FILENO)
    }

    /// Writes the answer in the form that was asked for.
    func answer(_ json: @autoclosure () -> JSON, text: (Terminal) throws -> [StyledText]) rethrows {
        if isJSON {
            write(json().text + "\n")
        } else {
            write(try text(terminal).map { $0.rendered(on: terminal) + "\n" }.joined())
        }
    }

    func write(_ text: String) {
        let isWritten = Descriptor(STDOUT_FILENO).write(Array(text.utf8))
        if !isWritten, errno == EPIPE {
            // A reader such as `head` has seen enough: end as other programs do.
            signal(SIGPIPE, SIG_DFL)
            kill(getpid(), SIGPIPE)
        } else if !isWritten {
            Self.complain("cannot write to standard output: \(SystemError.text())")
            exit(ExitStatus.failure.rawValue)
        }
    }

    /// A message for people, on standard error; a JSON answer has none beside it but errors.
    func remark(_ message: String) {
        if !isJSON { Self.writeToStandardError(message + "\n") }
    }

    /// An error for people, on standard error.
    static func complain(_ message: String) {
        writeToStandardError("lensctl: \(message)\n")
    }

    private static func writeToStandardError(_ message: String) {
        let terminal = Terminal.detect(descriptor: STDERR_FILENO)
        let isTerminal = isatty(STDERR_FILENO) == 1
        // Several lines stay several lines; what a daemon or a file brought into them is made safe for a terminal.
        let lines = message.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        let text = isTerminal ? lines.map(terminal.visible(line:)).joined(separator: "\n") : message
        _ = Descriptor(STDERR_FILENO).write(Array(text.utf8))
    }
}
