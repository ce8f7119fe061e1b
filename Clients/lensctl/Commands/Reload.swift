import ArgumentParser
import Glibc
import LensClient
import LensCore
import LensTerminal

struct Reload: ConsoleCommand {
    static let configuration = CommandConfiguration(
        abstract: "Have your own daemon read its configuration again.",
        discussion: """
            What came of it stands in its log: a file that is wrong changes nothing. 'lensd --config FILE \
            --check-config' looks at one before. The machine's daemon is told by 'systemctl reload lensd'.

            Examples:
              lensctl reload
              lensctl reload && lensctl logs -n 3
            """)

    @OptionGroup(title: "Everywhere") var global: GlobalOptions

    func run(on console: Console) async throws {
        let socket = try global.socket ?? OwnDaemon.defaultSocket()
        let connection = try SocketLocator(socket: socket).connect(client: "lensctl/\(lensdVersion)")
        let pid = try await connection.status().processID
        // As lensctl down: the number is believed only for a process of the same user.
        guard let id = pid_t(exactly: pid), id > 1, let owner = DaemonProcess(id: id).userID else {
            throw LensError(
                .failedPrecondition, "the daemon at '\(socket)' says it is process \(pid), which is not here")
        }
        guard owner == geteuid() else {
            throw LensError(
                .permissionDenied,
                "the daemon at '\(socket)' runs as user \(owner); yours would run as user \(geteuid())")
        }
        guard kill(id, SIGHUP) == 0 else {
            throw LensError(.failedPrecondition, "cannot tell process \(id): \(SystemError.text())")
        }
        console.answer(
            .object([("schema", .integer(1)), ("socket", .string(socket)), ("pid", .integer(pid))])
        ) { _ in [StyledText("process \(id) reads its configuration again; its log says what came of it")] }
    }
}
