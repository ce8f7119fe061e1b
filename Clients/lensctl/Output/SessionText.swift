import LensCore
import LensTerminal

/// Sessions and runs as lists on a terminal.
enum SessionText {
    static func table(_ sessions: [SessionSummary], on terminal: Terminal) -> [StyledText] {
        var table = TextTable(columns: [
            .init("session"), .init("runs", .right), .init("last used"), .init("made"), .init(""),
        ])
        table.rows = sessions.map { session in
            let remark =
                session.isReadOnly ? "read-only" : session.grantCount > 0 ? "shared (\(session.grantCount))" : ""
            let room = max(terminal.width - 62, 12)
            return [
                StyledText(
                    terminal.visible(line: session.address).truncated(to: room, mark: terminal.ellipsis), .bold),
                StyledText(String(session.runCount)), StyledText(DecimalText.moment(session.updatedAt)),
                StyledText(DecimalText.moment(session.createdAt), .faint), StyledText(remark, .faint),
            ]
        }
        return with(notes: sessions.map(\.note), table.lines(), on: terminal)
    }

    /// The session itself, above its runs.
    static func title(_ session: SessionSummary, on terminal: Terminal) -> [StyledText] {
        var title = StyledText(terminal.visible(line: session.address), .bold)
        let count = "\(session.runCount) \(session.runCount == 1 ? "run" : "runs")"
        title.append("  \(count), made \(DecimalText.moment(session.createdAt))", .faint)
        if session.isReadOnly { title.append(", shared with you to read", .faint) }
        if session.grantCount > 0 {
            title.append(", shared with \(session.grantCount) \(session.grantCount == 1 ? "user" : "users")", .faint)
        }
        return [title] + note(session.note, indent: "", on: terminal)
    }

    /// A line per run and below it what else there is to say of it.
    ///
    /// - Parameter withSessions: whether each run says which session it is of.
    static func runs(_ runs: [RunSummary], withSessions: Bool = false, on terminal: Terminal) -> [StyledText] {
        var table = TextTable(columns: [
            .init("run"), .init("kind"), .init("when"), .init("loss", .right), .init("tokens", .right), .init("text"),
        ])
        let kinds = runs.map { $0.isHooked ? "\($0.kind.rawValue) with hooks" : $0.kind.rawValue }
        let taken = 55 + (kinds.map(\.count).max() ?? 0)
        table.rows = zip(runs, kinds).map { run, kind in
            [
                StyledText(String(run.id.prefix(12))), StyledText(kind),
                StyledText(DecimalText.moment(run.createdAt), .faint),
                StyledText(DecimalText.fixed(run.loss, 4)), StyledText(String(run.tokenCount)),
                StyledText(
                    terminal.visible(line: run.excerpt).truncated(
                        to: max(terminal.width - taken, 10), mark: terminal.ellipsis)),
            ]
        }
        let models = Set(runs.map { [$0.model, $0.fingerprint] })
        var lines = table.lines()
        let head = lines.removeFirst()
        var shown: [StyledText] = []
        if models.count == 1, let run = runs.first { shown += [model(run, indent: "", on: terminal)] }
        shown.append(head)
        for (run, line) in zip(runs, lines) {
            shown.append(line)
            var remarks: [String] = []
            if withSessions { remarks.append("in \(run.session)") }
            if run.isImported { remarks.append("imported") }
            if !run.detail.isEmpty { remarks.append(run.detail) }
            if !run.effects.isEmpty {
                remarks.append(
                    run.effects.map { "\($0.place) \(DecimalText.signed($0.delta, 4))" }.joined(separator: ", "))
            }
            if !remarks.isEmpty { shown.append(faint(remarks.joined(separator: "; "), on: terminal)) }
            if models.count > 1 { shown.append(model(run, indent: indent, on: terminal)) }
            shown += run.edits.map { faint("edited: \($0)", on: terminal) }
            shown += note(run.note, indent: indent, on: terminal)
        }
        return shown
    }

    private static let indent = "    "

    private static func model(_ run: RunSummary, indent: String, on terminal: Terminal) -> StyledText {
        StyledText(
            "\(indent)fingerprint \(run.fingerprint.prefix(12)), model \(terminal.visible(line: run.model))"
                .truncated(to: max(terminal.width, 40), mark: terminal.ellipsis), .faint)
    }

    private static func faint(_ text: String, on terminal: Terminal) -> StyledText {
        let room = max(terminal.width - indent.count, 20)
        return StyledText(
            indent + terminal.visible(line: text).truncated(to: room, mark: terminal.ellipsis), .faint)
    }

    /// A note keeps its lines.
    private static func note(_ text: String, indent: String, on terminal: Terminal) -> [StyledText] {
        text.isEmpty
            ? []
            : text.split(separator: "\n", omittingEmptySubsequences: false).map {
                StyledText("\(indent)\(terminal.visible(line: String($0)))")
            }
    }

    /// Puts the first line of each note below its row.
    private static func with(notes: [String], _ lines: [StyledText], on terminal: Terminal) -> [StyledText] {
        guard let head = lines.first else { return lines }
        return zip(lines.dropFirst(), notes).reduce(into: [head]) { shown, row in
            shown.append(row.0)
            if let first = row.1.split(separator: "\n").first { shown.append(faint(String(first), on: terminal)) }
        }
    }
}
