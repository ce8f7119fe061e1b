import LensCore
import LensTerminal

/// Who may read a session.
enum GrantsText {
    static func json(_ name: String, _ grants: [SessionGrant]) -> JSON {
        let users = grants.map { grant in
            JSON.object([
                ("uid", .integer(Int(grant.userID))),
                ("user", grant.userName.isEmpty ? .null : .string(grant.userName)),
                ("shared_at", .number(grant.createdAt)),
            ])
        }
        return .object([("schema", .integer(1)), ("session", .string(name)), ("shared_with", .array(users))])
    }

    static func lines(_ name: String, _ grants: [SessionGrant], on terminal: Terminal) -> [StyledText] {
        var line = StyledText(terminal.visible(line: name), .bold)
        guard !grants.isEmpty else {
            line.append(" is shared with nobody")
            return [line]
        }
        line.append(" is shared with")
        let table = TextTable(
            columns: [.init("user"), .init("uid", .right), .init("since")],
            rows: grants.map { grant in
                [
                    StyledText(terminal.visible(line: grant.user), .bold), StyledText(String(grant.userID)),
                    StyledText(DecimalText.moment(grant.createdAt), .faint),
                ]
            })
        return [line] + table.lines()
    }
}
