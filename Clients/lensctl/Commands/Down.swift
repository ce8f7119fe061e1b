import ArgumentParser
import Glibc
import LensClient
import LensCore
import LensTerminal

struct Down: ConsoleCommand {
    static let configuration = CommandConfiguration(
        abstract: "Stop your own daemon and wait until it is gone.",
        discussion: """
            The daemon that answers at the socket is asked for its process, which gets SIGTERM: it finishes what is \
            under way and ends. A daemon of another user is left alone.

            Examples:
              lensctl down
              lensctl down --socket /tmp/try.sock
            """)

    @OptionGroup(title: "Everywhere") var global: GlobalOptions

    private static let longestDrain = Duration.seconds(60)

    func run(on console: Console) async throws {
        let socket = try global.socket ?? OwnDaemon.defaultSocket()
        let connection = try SocketLocator(socket: socket).connect(client: "lensctl/\(lensdVersion)")
        let pid = try await connection.status().processID
        // The daemon said its own number; it is believed only for a process of the same user.
        guard let id = pid_t(exactly: pid), id > 1, let owner = DaemonProcess(id: id).userID else {
            throw LensError(
                .failedPrecondition, "the daemon at '\(socket)' says it is process \(pid), which is not here")
        }
        guard owner == geteuid() else {
            throw LensError(
                .permissionDenied,
                "the daemon at '\(socket)' runs as user \(owner); yours would run as user \(geteuid())")
        }
        guard kill(id, SIGTERM) == 0 || errno == ESRCH else {
            throw LensError(.permissionDenied, "cannot stop process \(id): \(SystemError.text())")
        }
        let deadline = ContinuousClock.now + Self.longestDrain
        while DaemonProcess(id: id).exists {
            guard ContinuousClock.now < deadline else {
                throw LensError(.deadlineExceeded, "process \(id) was told to end, but is still there after 60 s")
            }
            try await Task.sleep(for: .milliseconds(10))
        }
        console.answer(
            .object([
                ("schema", .integer(1)), ("socket", .string(socket)), ("pid", .integer(pid)), ("stopped", .bool(true)),
            ])
        ) { terminal in
            [StyledText(terminal.visible(line: "lensd is down: process \(pid) at \(socket) has ended"))]
        }
    }
}
