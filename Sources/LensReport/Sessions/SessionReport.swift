import Glibc
public import LensCore

/// What stands in a session, for people: the session, a line per run, and what is to be said of each.
///
/// Everything that users typed is shown as text: nothing of it acts in a page, in Markdown or on a terminal.
public struct SessionReport: Sendable {
    let detail: SessionDetail

    public init(_ detail: SessionDetail) {
        self.detail = detail
    }

    // MARK: - Words

    var title: String { "Session \(VisibleText.line(detail.session.address))" }

    /// Whose it is, how large, how old.
    var facts: String {
        let session = detail.session
        let owner = session.ownerName.isEmpty ? "uid \(session.owner)" : VisibleText.line(session.ownerName)
        let count = "\(session.runCount) \(session.runCount == 1 ? "run" : "runs")"
        let shown = detail.hasMore ? ", the newest \(detail.runs.count) of them here" : ""
        return "\(count)\(shown). Of \(owner); made \(Self.moment(session.createdAt)), "
            + "last used \(Self.moment(session.updatedAt))."
    }

    static let headings = ["Run", "Time", "Kind", "Model", "Fingerprint", "Text", "Loss", "What was done", "Note"]

    /// The cells of a run's row, in the order of ``headings``; visible text, not yet escaped.
    static func cells(_ run: RunSummary) -> [String] {
        var done: [String] = []
        if !run.detail.isEmpty { done.append(run.detail) }
        done += run.edits.map { "edited: \($0)" }
        if !run.effects.isEmpty {
            done.append(
                "strongest: "
                    + run.effects.map { "\($0.place) \($0.delta >= 0 ? "+" : "")\(number($0.delta))" }
                    .joined(separator: ", "))
        }
        if run.isHooked { done.append("with hook functions") }
        if run.isImported { done.append("imported") }
        return [
            String(run.id.prefix(12)), moment(run.createdAt), run.kind.rawValue, run.model,
            String(run.fingerprint.prefix(12)), run.excerpt, number(run.loss), done.joined(separator: "; "), run.note,
        ].map(VisibleText.line)
    }

    /// Four decimals; a dash where there is none.
    static func number(_ value: Double) -> String {
        guard value.isFinite else { return "–" }
        return "\((value * 1e4).rounded() / 1e4)"
    }

    /// UTC, such as `2026-01-31 23:59`.
    static func moment(_ secondsSince1970: Double) -> String {
        guard secondsSince1970.isFinite, secondsSince1970.magnitude < 1e11 else { return "–" }
        var seconds = time_t(secondsSince1970)
        var parts = tm()
        gmtime_r(&seconds, &parts)
        func padded(_ number: CInt) -> String { number < 10 ? "0\(number)" : "\(number)" }
        return "\(Int(parts.tm_year) + 1900)-\(padded(parts.tm_mon + 1))-\(padded(parts.tm_mday)) "
            + "\(padded(parts.tm_hour)):\(padded(parts.tm_min)) UTC"
    }

    /// Notes keep their lines.
    static func lines(_ note: String) -> [String] {
        note.split(separator: "\n", omittingEmptySubsequences: true).map { VisibleText.line(String($0)) }
    }
}
