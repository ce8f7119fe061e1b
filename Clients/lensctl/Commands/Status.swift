import ArgumentParser
import LensClient
import LensCore
import LensTerminal

struct Status: ConsoleCommand {
    static let configuration = CommandConfiguration(
        abstract: "Say which daemon answers, what is resident, and how busy it is.",
        discussion: """
            Examples:
              lensctl status
              lensctl status --json
              sudo lensctl status --all
            """)

    @Flag(help: "What every user has, as a table; for the daemon's administrator.")
    var all = false
    @OptionGroup(title: "Everywhere") var global: GlobalOptions

    func run(on console: Console) async throws {
        let connection = try global.connect()
        if all { return try await showUsers(of: connection, on: console) }
        let status = try await connection.status()
        console.answer(json(status, socket: connection.path)) { terminal in
            let models = status.modelStates.map { state in
                let place =
                    switch state.residency {
                    case .resident: DecimalText.bytes(state.weightBytes)
                    case .loading: "being loaded"
                    case .known: "not in memory"
                    }
                return state.name + (state.isDefault ? " (default)" : "") + ", " + place
            }
            let rows: [(String, String)] = [
                ("socket", connection.path),
                (
                    "daemon",
                    "lensd \(status.version.lensd), process \(status.processID), "
                        + "up \(DecimalText.duration(status.uptimeSeconds))"
                ),
                ("memory", "\(DecimalText.bytes(status.residentBytes)) resident"),
                ("models", models.joined(separator: "; ")),
                (
                    "weights",
                    "\(DecimalText.bytes(status.weightBytes)) of \(DecimalText.bytes(status.weightBudgetBytes))"
                ),
                ("cache", "\(DecimalText.bytes(status.cacheBytes)) of \(DecimalText.bytes(status.cacheCapacityBytes))"),
                ("passes", "\(status.runningJobs) running, \(status.queuedJobs) waiting, \(status.threads) threads"),
                ("connections", "\(status.connections)"),
            ]
            let facts = TextTable(
                columns: [.init(""), .init("")],
                rows: rows.map { [StyledText($0, .faint), StyledText(terminal.visible(line: $1))] })
            return facts.lines() + [""] + UsageTable.own(status.own, quota: status.quota).lines()
        }
    }

    private func showUsers(of connection: LensConnection, on console: Console) async throws {
        let usage = try await connection.usage()
        let names = usage.users.map { UserName($0.userID) }
        console.answer(
            .object([
                ("schema", .integer(1)), ("socket", .string(connection.path)), ("quota", .amounts(usage.quota)),
                (
                    "users",
                    .array(
                        zip(usage.users, names).map { user, name in
                            .object(
                                [("uid", .integer(Int(user.userID))), ("name", name.text.map(JSON.string) ?? .null)]
                                    + JSON.amounts(user.amounts).members)
                        })
                ),
            ])
        ) { terminal in
            UsageTable.users(usage, names: names.map { terminal.visible(line: $0.text ?? "") }).lines()
        }
    }

    private func json(_ status: DaemonStatus, socket: String) -> JSON {
        .object([
            ("schema", .integer(1)), ("socket", .string(socket)), ("pid", .integer(status.processID)),
            ("version", .string(status.version.lensd)), ("protocol", .integer(status.version.wireProtocol)),
            ("uptime_seconds", .number(status.uptimeSeconds)), ("resident_bytes", .integer(status.residentBytes)),
            ("models", .array(status.models.map(JSON.model))), ("queued_jobs", .integer(status.queuedJobs)),
            ("running_jobs", .integer(status.runningJobs)), ("cache_bytes", .integer(status.cacheBytes)),
            ("cache_capacity_bytes", .integer(status.cacheCapacityBytes)), ("threads", .integer(status.threads)),
            ("connections", .integer(status.connections)),
            ("model_states", .array(status.modelStates.map(JSON.modelState))),
            ("model_bytes", .integer(status.weightBytes)), ("model_budget_bytes", .integer(status.weightBudgetBytes)),
            ("own", .amounts(status.own)), ("quota", .amounts(status.quota)),
        ])
    }
}
