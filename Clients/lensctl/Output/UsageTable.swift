import Glibc
import LensCore
import LensTerminal

/// What users have of what they share, as tables.
enum UsageTable {
    private static let titles = ["connections", "calls", "queued", "sessions", "stored", "cached"]

    /// One user's use above his quota.
    static func own(_ own: SharedAmounts, quota: SharedAmounts) -> TextTable {
        TextTable(
            columns: columns(""),
            rows: [
                [StyledText("you have", .faint)] + cells(own), [StyledText("you may have", .faint)] + cells(quota),
            ])
    }

    /// A row for everybody, and the quota below.
    ///
    /// - Parameter names: of the users, in their order, safe to be shown; empty where a number has none.
    static func users(_ usage: DaemonUsage, names: [String]) -> TextTable {
        let rows = zip(usage.users, names).map { user, name in
            [StyledText(String(user.userID)), StyledText(name)] + cells(user.amounts)
        }
        var table = TextTable(columns: [.init("uid", .right)] + columns("user"), rows: rows)
        table.rows.append(["", StyledText("at most", .faint)] + cells(usage.quota))
        return table
    }

    private static func columns(_ first: String) -> [TextTable.Column] {
        [.init(first)] + titles.map { .init($0, .right) }
    }

    private static func cells(_ amounts: SharedAmounts) -> [StyledText] {
        [amounts.connections, amounts.callsInFlight, amounts.queuedJobs, amounts.sessions].map {
            StyledText(String($0))
        } + [amounts.storedBytes, amounts.cachedBytes].map { StyledText(DecimalText.bytes($0)) }
    }
}

/// What this machine calls a user.
struct UserName {
    /// `nil` where the number has no name here.
    let text: String?

    init(_ userID: UInt32) {
        text = getpwuid(userID).flatMap { $0.pointee.pw_name }.map { String(cString: $0) }
    }
}

extension JSON {
    static func amounts(_ amounts: SharedAmounts) -> JSON {
        .object([
            ("connections", .integer(amounts.connections)), ("calls_in_flight", .integer(amounts.callsInFlight)),
            ("queued_jobs", .integer(amounts.queuedJobs)), ("sessions", .integer(amounts.sessions)),
            ("stored_bytes", .integer(amounts.storedBytes)), ("cached_bytes", .integer(amounts.cachedBytes)),
        ])
    }
}
