import LensReport

/// One head's pattern large, with the tokens along the diagonal.
///
/// A causal pattern leaves everything right of the diagonal free. There each token stands at the end of its own row as
/// a destination, and at the head of its own column as a source.
public struct HeadHeatmap: Sendable {
    private let pattern: HeadPattern
    private let positions: Int
    private let tokens: [String]

    /// - Parameter tokens: The text of each token, raw; made visible here.
    public init(_ pattern: HeadPattern, tokens: [String]) {
        self.pattern = pattern
        positions = tokens.count
        self.tokens = tokens
    }

    public func lines(on terminal: Terminal) -> [StyledText] {
        guard positions > 0 else { return [] }
        let scale = HeatScale(terminal: terminal)
        let numberWidth = String(positions - 1).count + 1
        let labels = tokens.map { terminal.visible(token: $0).truncated(to: 14, mark: terminal.ellipsis) }
        let labelWidth = max(labels.map(\.displayWidth).max() ?? 0, 4) + 1
        let room = terminal.width - numberWidth - labelWidth
        let cellWidth = room >= positions * 2 ? 2 : 1
        let groups = min(positions, max(room, 1))
        let cells = pattern.binned(rows: groups, columns: groups, positions: positions)
        // A fixed column for the strongest source, where the last row leaves room for it.
        let linkColumn = numberWidth + groups * cellWidth + labelWidth + 1
        let links = groups == positions ? strongest(labels, width: terminal.width - linkColumn, on: terminal) : []
        var lines = [title(groups: groups)]
        for row in 0..<groups {
            let first = (row * positions + groups - 1) / groups
            var line = StyledText(String(first), .faint).padded(to: numberWidth - 1, .right)
            line.append(" ")
            for column in 0...row {
                guard let share = cells[row * groups + column] else { continue }
                if terminal.colours == .none {
                    line.append(String(repeating: scale.shade(share), count: cellWidth))
                } else {
                    line.append(String(repeating: " ", count: cellWidth), Ink(on: scale.colour(share)))
                }
            }
            line.append(" " + (first < labels.count ? labels[first] : ""))
            if row < links.count { line = line.padded(to: linkColumn) + links[row] }
            lines.append(line)
        }
        return lines + ["", scale.key]
    }

    private func title(groups: Int) -> StyledText {
        var title = StyledText("\(pattern.name)", .bold)
        title.append("  each row: where a token looks, itself last", .faint)
        if groups < positions { title.append("; \(positions) tokens in \(groups) groups", .faint) }
        return title
    }

    private func weight(to source: Int, from destination: Int) -> Double {
        pattern.weight(to: source, from: destination, positions: positions)
    }

    /// For each destination the source that gets most of its attention; with its text where that fits, else without,
    /// else nothing.
    private func strongest(_ labels: [String], width: Int, on terminal: Terminal) -> [StyledText] {
        let sources = (0..<positions).map { destination in
            (0...destination).max { weight(to: $0, from: destination) < weight(to: $1, from: destination) }
                ?? destination
        }
        func links(withLabels: Bool) -> [StyledText] {
            sources.enumerated().map { destination, source in
                var text = StyledText(terminal.hasUnicode ? "← " : "<- ", .faint)
                text.append(DecimalText.fixed(weight(to: source, from: destination), 2))
                text.append(" \(source)", .faint)
                if withLabels, source < labels.count { text.append(" " + labels[source]) }
                return text
            }
        }
        return [links(withLabels: true), links(withLabels: false)]
            .first { $0.allSatisfy { $0.width <= width } } ?? []
    }
}
