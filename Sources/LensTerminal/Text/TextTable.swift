/// Rows of cells in aligned columns under a head.
public struct TextTable: Sendable {
    public struct Column: Sendable {
        public var title: String
        public var alignment: StyledText.Alignment

        public init(_ title: String, _ alignment: StyledText.Alignment = .left) {
            self.title = title
            self.alignment = alignment
        }
    }

    public var columns: [Column]
    public var rows: [[StyledText]]

    public init(columns: [Column], rows: [[StyledText]] = []) {
        self.columns = columns
        self.rows = rows
    }

    /// One line per row below the head; columns are two spaces apart.
    public func lines() -> [StyledText] {
        let widths = columns.indices.map { index in
            rows.reduce(columns[index].title.displayWidth) { widest, row in
                max(widest, index < row.count ? row[index].width : 0)
            }
        }
        func line(_ cells: [StyledText]) -> StyledText {
            var line = StyledText()
            for (index, cell) in cells.prefix(columns.count).enumerated() {
                if index > 0 { line.append("  ") }
                line.append(cell.padded(to: widths[index], columns[index].alignment))
            }
            return line
        }
        let hasHead = columns.contains { !$0.title.isEmpty }
        return (hasHead ? [line(columns.map { StyledText($0.title, .faint) })] : []) + rows.map(line)
    }
}
