import ArgumentParser

extension Sessions {
    struct Unshare: ConsoleCommand {
        static let configuration = CommandConfiguration(
            abstract: "Let a user no longer read a session of yours.",
            discussion: """
                Examples:
                  lensctl sessions unshare ioi --with alice
                """)

        @Argument(help: "The session.")
        var name: String
        @Option(name: .customLong("with"), help: ArgumentHelp("A user's name or uid.", valueName: "user"))
        var user: String
        @OptionGroup(title: "Everywhere") var global: GlobalOptions

        func run(on console: Console) async throws {
            let connection = try global.connect()
            let grants = try await connection.unshareSession(name, with: user)
            console.answer(GrantsText.json(name, grants)) { GrantsText.lines(name, grants, on: $0) }
        }
    }
}
