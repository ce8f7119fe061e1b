import ArgumentParser
import Glibc
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
        let id = try await OwnDaemon.process(answeringAt: socket)
        guard kill(id, SIGHUP) == 0 else {
            throw LensError(.failedPrecondition, "cannot tell process \(id): \(SystemError.text())")
        }
        console.answer(
            .object([("schema", .integer(1)), ("socket", .string(socket)), ("pid", .integer(Int(id)))])
        ) { _ in [StyledText("process \(id) reads its configuration again; its log says what came of it")] }
    }
}
