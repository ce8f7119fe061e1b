import ArgumentParser
import LensCore
import LensTerminal

extension Sessions {
    struct List: ConsoleCommand {
        static let configuration = CommandConfiguration(
            abstract: "List your sessions, and those that others share with you.",
            discussion: """
                Examples:
                  lensctl sessions list
                  lensctl sessions --json
                """)

        @OptionGroup(title: "Everywhere") var global: GlobalOptions

        func run(on console: Console) async throws {
            let connection = try global.connect()
            var sessions: [SessionSummary] = []
            while true {
                let page = try await connection.listSessions(ListSessionsRequest(skip: sessions.count))
                sessions += page.sessions
                if page.sessions.isEmpty || sessions.count >= page.total { break }
            }
            console.answer(.object([("schema", .integer(1)), ("sessions", .array(sessions.map(JSON.session)))])) {
                terminal in
                sessions.isEmpty
                    ? [StyledText("no sessions yet; a run makes one", .faint)]
                    : SessionText.table(sessions, on: terminal)
            }
        }
    }
}
