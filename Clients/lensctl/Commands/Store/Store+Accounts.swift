import ArgumentParser
import LensCore
import LensTerminal

extension Store {
    struct Accounts: ConsoleCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show what every account has in the store, those with most first.",
            discussion: """
                An account that is gone, or whose uid another account has now, is marked: its sessions are nobody's \
                until they are reassigned or purged.

                Examples:
                  lensctl store accounts
                  lensctl store --json
                """)

        @OptionGroup(title: "Everywhere") var global: GlobalOptions

        func run(on console: Console) async throws {
            let connection = try global.connect()
            let usage = try await connection.storeUsage()
            console.answer(json(usage)) { terminal in text(usage, on: terminal) }
        }

        private func text(_ usage: StoreUsage, on terminal: Terminal) -> [StyledText] {
            let table = TextTable(
                columns: [
                    .init("uid", .right), .init("account"), .init("sessions", .right), .init("runs", .right),
                    .init("stored", .right), .init("last used"), .init(""),
                ],
                rows: usage.accounts.map { account in
                    [
                        StyledText(String(account.userID)),
                        StyledText(account.name.isEmpty ? "-" : terminal.visible(line: account.name), .bold),
                        StyledText(String(account.sessionCount)), StyledText(String(account.runCount)),
                        StyledText(DecimalText.bytes(account.storedBytes)),
                        StyledText(account.lastUsedAt > 0 ? DecimalText.moment(account.lastUsedAt) : "", .faint),
                        StyledText(account.isPresent ? "" : "the uid is no longer this account's"),
                    ]
                })
            var lines = usage.accounts.isEmpty ? [StyledText("nobody has sessions yet", .faint)] : table.lines()
            let more = usage.accountCount - usage.accounts.count
            if more > 0 { lines.append(StyledText("and \(more) more accounts", .faint)) }
            var kept = "each may have \(usage.quota.sessions) sessions, \(DecimalText.bytes(usage.quota.storedBytes))"
            if let days = usage.retention.days { kept += "; runs go after \(days) days" }
            if let bytes = usage.retention.storedBytes { kept += "; runs beyond \(DecimalText.bytes(bytes)) go" }
            let file = "\(DecimalText.bytes(usage.fileBytes)), \(DecimalText.bytes(usage.freeBytes)) of them free"
            return lines + ["", StyledText(kept, .faint), StyledText("the database has \(file)", .faint)]
        }

        private func json(_ usage: StoreUsage) -> JSON {
            .object([
                ("schema", .integer(1)), ("accounts", .array(usage.accounts.map(JSON.storedAccount))),
                ("account_count", .integer(usage.accountCount)), ("session_quota", .integer(usage.quota.sessions)),
                ("stored_quota_bytes", .integer(usage.quota.storedBytes)),
                ("retention_days", usage.retention.days.map(JSON.integer) ?? .null),
                ("retention_bytes", usage.retention.storedBytes.map(JSON.integer) ?? .null),
                ("file_bytes", .integer(usage.fileBytes)), ("free_bytes", .integer(usage.freeBytes)),
            ])
        }
    }
}

extension JSON {
    static func storedAccount(_ account: StoredAccount) -> JSON {
        .object([
            ("uid", .integer(Int(account.userID))), ("account", .string(account.name)),
            ("present", .bool(account.isPresent)), ("sessions", .integer(account.sessionCount)),
            ("runs", .integer(account.runCount)), ("stored_bytes", .integer(account.storedBytes)),
            ("first_seen", .number(account.firstSeenAt)), ("last_used", .number(account.lastUsedAt)),
        ])
    }
}
