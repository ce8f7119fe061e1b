/// How far long work has come, in one line.
public struct ProgressBar: Sendable {
    private let title: String
    private let done: Int
    private let total: Int

    public init(title: String, done: Int, total: Int) {
        self.title = title
        self.done = done
        self.total = total
    }

    public func line(on terminal: Terminal) -> StyledText {
        let share = total > 0 ? min(max(Double(done) / Double(total), 0), 1) : 0
        let columns = 24
        let filled = Int(share * Double(columns))
        let blocks = terminal.hasUnicode ? ("━", "─") : ("#", ".")
        var line = StyledText(title + " ")
        line.append(String(repeating: blocks.0, count: filled), Ink(.accent))
        line.append(String(repeating: blocks.1, count: columns - filled), .faint)
        line.append(" \(done)/\(total)", .faint)
        return line
    }
}
