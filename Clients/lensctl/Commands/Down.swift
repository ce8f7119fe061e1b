import ArgumentParser
import Glibc
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
        let id = try await OwnDaemon.process(answeringAt: socket)
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
                ("schema", .integer(1)), ("socket", .string(socket)),
                ("pid", .integer(Int(id))), ("stopped", .bool(true)),
            ])
        ) { terminal in
            [StyledText(terminal.visible(line: "lensd is down: process \(id) at \(socket) has ended"))]
        }
    }
}
