import ArgumentParser
import Glibc
import LensClient
import LensCore
import LensTerminal

struct Top: ConsoleCommand {
    static let configuration = CommandConfiguration(
        abstract: "Watch what the daemon is working at.",
        discussion: """
            Shows your own calls, and to the daemon's administrator everybody's. 'q' or Ctrl-C leaves. Where standard \
            output is no terminal, and with --once and --json, there is one look and no more.

            Examples:
              lensctl top
              lensctl top --once
              sudo lensctl top --json
            """)

    @Flag(help: "Look once instead of once a second.")
    var once = false
    @OptionGroup(title: "Everywhere") var global: GlobalOptions

    private static let interval = Duration.seconds(1)

    func run(on console: Console) async throws {
        let connection = try global.connect()
        var look = try await TopLook(at: connection, isAdministrator: true)
        guard !once, !console.isJSON, isatty(STDOUT_FILENO) == 1 else {
            return console.answer(look.json(socket: connection.path)) { terminal in
                TopPage(look: look, before: nil, socket: connection.path).lines(on: terminal)
            }
        }
        let screen = LiveScreen()
        defer { screen.leave() }
        var before: TopLook?
        while true {
            screen.draw(TopPage(look: look, before: before, socket: connection.path).lines)
            guard try await screen.wait(for: Self.interval) else { return }
            before = look
            look = try await TopLook(at: connection, isAdministrator: look.users != nil)
        }
    }
}
