import ArgumentParser

extension Sessions {
    struct Share: ConsoleCommand {
        static let configuration = CommandConfiguration(
            abstract: "Let another user read a session of yours, or say who may.",
            discussion: """
                Whom it is shared with sees it as YOU/NAME and can show it, query its runs, export it and replay it; \
                nobody else learns that it is there. 'unshare' takes it back at once. Without --with everybody who \
                may read it is listed.

                Examples:
                  lensctl sessions share ioi --with alice
                  lensctl sessions share ioi --with 1007
                  lensctl sessions share ioi
                """)

        @Argument(help: "The session.")
        var name: String
        @Option(name: .customLong("with"), help: ArgumentHelp("A user's name or uid.", valueName: "user"))
        var user: String?
        @OptionGroup(title: "Everywhere") var global: GlobalOptions

        func run(on console: Console) async throws {
            let connection = try global.connect()
            let grants =
                if let user {
                    try await connection.shareSession(name, with: user)
                } else {
                    try await connection.listGrants(of: name)
                }
            console.answer(GrantsText.json(name, grants)) { GrantsText.lines(name, grants, on: $0) }
        }
    }
}
