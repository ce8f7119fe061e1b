import LensReport

/// The patterns of many heads as small multiples.
///
/// With colours and Unicode two pixels share a character (`▀`), so that a map of 18 × 18 pixels takes 18 columns and 9
/// lines; without, a character is a shade. Prompts that are longer than a map is wide are binned.
public struct HeadGrid: Sendable {
    private let patterns: [HeadPattern]
    private let positions: Int
    private let notes: [String]
    private static let mapWidth = 18
    private static let gap = 2

    /// - Parameter notes: A few characters beside each head's name, such as its effect; empty for none.
    public init(_ patterns: [HeadPattern], positions: Int, notes: [String] = []) {
        self.patterns = patterns
        self.positions = positions
        self.notes = notes
    }

    public func lines(on terminal: Terminal) -> [StyledText] {
        guard positions > 0, !patterns.isEmpty else { return [] }
        let perRow = max((terminal.width + Self.gap) / (Self.mapWidth + Self.gap), 1)
        var lines: [StyledText] = []
        for start in stride(from: 0, to: patterns.count, by: perRow) {
            if start > 0 { lines.append("") }
            let tiles = (start..<min(start + perRow, patterns.count)).map { tile($0, on: terminal) }
            let height = tiles.map(\.count).max() ?? 0
            for line in 0..<height {
                var whole = StyledText()
                for (index, tile) in tiles.enumerated() {
                    if index > 0 { whole.append(String(repeating: " ", count: Self.gap)) }
                    whole.append((line < tile.count ? tile[line] : "").padded(to: Self.mapWidth))
                }
                lines.append(whole)
            }
        }
        lines.append("")
        lines.append(HeatScale(terminal: terminal).key)
        lines.append(StyledText(caption(on: terminal), .faint))
        return lines
    }

    private func caption(on terminal: Terminal) -> String {
        let axes = "rows: destinations, columns: sources"
        let (rows, columns) = HeatMap.size(for: positions, width: Self.mapWidth, on: terminal)
        if rows >= positions && columns >= positions { return "\(axes); \(positions) tokens" }
        return rows == columns
            ? "\(axes); \(positions) tokens in \(columns) groups"
            : "\(axes); \(positions) tokens in \(rows) x \(columns) groups"
    }

    private func tile(_ index: Int, on terminal: Terminal) -> [StyledText] {
        let pattern = patterns[index]
        var title = StyledText(pattern.name, .bold)
        if index < notes.count, !notes[index].isEmpty {
            let room = Self.mapWidth - title.width - 1
            title.append(" " + notes[index].truncated(to: room, mark: terminal.ellipsis), .faint)
        }
        return [title] + HeatMap(pattern, positions: positions, width: Self.mapWidth, on: terminal).lines
    }
}
