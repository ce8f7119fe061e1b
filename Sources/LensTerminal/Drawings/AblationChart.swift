/// What ablating each head does to the loss: the heads in order, and beside them sorted by their effect.
public struct AblationChart: Sendable {
    private let entries: [SignedBarChart.Entry]
    /// More heads than this are not all drawn in order; the farthest from zero still are, sorted.
    private static let mostInOrder = 48
    private static let mostSorted = 24

    public init(_ entries: [SignedBarChart.Entry]) {
        self.entries = entries
    }

    public func lines(on terminal: Terminal) -> [StyledText] {
        let sorted = entries.sorted {
            ($0.value.isNaN ? -.infinity : $0.value) > ($1.value.isNaN ? -.infinity : $1.value)
        }
        var lines: [StyledText] = []
        if entries.count <= Self.mostInOrder {
            let gap = 3
            let half = (terminal.width - gap) / 2
            let isWide = half >= 36
            let width = isWide ? half : terminal.width
            let left = [StyledText("in order", .faint)] + SignedBarChart(entries, width: width).lines(on: terminal)
            let right = [StyledText("sorted", .faint)] + SignedBarChart(sorted, width: width).lines(on: terminal)
            lines =
                isWide
                ? zip(left, right).map { $0.padded(to: half + gap) + $1 } : left + [""] + right
        } else {
            // The most harmful and the most helpful ablations, with what lies between left out.
            let ends = Self.mostSorted / 2
            let shown = Array(sorted.prefix(ends)) + Array(sorted.suffix(ends))
            lines =
                [StyledText("sorted: the first and the last \(ends) of \(entries.count) heads", .faint)]
                + SignedBarChart(shown, width: terminal.width).lines(on: terminal)
        }
        let mark = terminal.colours == .none ? "" : "; pale: within two of zero"
        let line = terminal.hasUnicode ? "───┤" : "~~~~"
        lines.append("")
        lines.append(StyledText("\(line) one standard error, paired over the predictions\(mark)", .faint))
        return lines
    }
}
