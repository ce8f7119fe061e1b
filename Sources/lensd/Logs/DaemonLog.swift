import Glibc
import LensConfiguration
import Logging
import Synchronization

/// The daemon's log on standard error. How it is written changes when the configuration is read again.
final class DaemonLog: Sendable {
    struct Setting: Sendable, Equatable {
        var level: LogLevel
        var format: LogFormat
    }

    private let state: Mutex<Setting>
    /// Whether standard error goes to systemd's journal, which has time and priority of its own.
    private let writesToJournal: Bool
    private let queue = LogQueue(output: StandardError.write)

    init(_ setting: Setting, environment: Environment) {
        state = Mutex(setting)
        writesToJournal = Self.isJournal(STDERR_FILENO, environment["JOURNAL_STREAM"])
    }

    var setting: Setting {
        get { state.withLock { $0 } }
        set { state.withLock { $0 = newValue } }
    }

    /// Takes in a message; see ``LogQueue`` for who writes it.
    func write(_ line: LogLine) { write(text(of: line)) }

    /// The same of a line that is no message.
    func write(_ text: String) {
        queue.add(text + "\n") { dropped in
            self.text(
                of: LogLine(
                    level: .warning, message: "lines of the log were dropped: its reader was too slow",
                    metadata: ["lines": .stringConvertible(dropped)])) + "\n"
        }
    }

    /// Waits until what was taken in is written, for a second at most.
    func flush() { queue.flush(within: .seconds(1)) }

    private func text(of line: LogLine) -> String {
        let text =
            switch setting.format {
            case .json: line.json(at: .now)
            case .text: writesToJournal ? line.text : line.text(at: .now)
            }
        return (writesToJournal ? "<\(line.level.priority)>" : "") + text
    }

    /// - Parameter stream: `$JOURNAL_STREAM`, device and inode of what systemd has connected to the journal; a
    ///   descriptor that was redirected since then is another file.
    private static func isJournal(_ descriptor: CInt, _ stream: String?) -> Bool {
        var status = stat()
        guard let stream, fstat(descriptor, &status) == 0 else { return false }
        return stream == "\(status.st_dev):\(status.st_ino)"
    }
}

extension Logger.Level {
    init(_ level: LogLevel) {
        self =
            switch level {
            case .trace: .trace
            case .debug: .debug
            case .info: .info
            case .notice: .notice
            case .warning: .warning
            case .error: .error
            case .critical: .critical
            }
    }

    /// The priority by which syslog and the journal know a level (`sd-daemon(3)`).
    var priority: Int {
        switch self {
        case .trace, .debug: 7
        case .info: 6
        case .notice: 5
        case .warning: 4
        case .error: 3
        case .critical: 2
        }
    }
}
