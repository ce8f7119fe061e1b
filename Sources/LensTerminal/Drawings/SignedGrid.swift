/// Signed values in rows and columns, as numbers painted by their size; cut into blocks where a line is too short.
public struct SignedGrid: Sendable {
    private let rows: [String]
    private let columns: [String]
    private let values: [Double]

    /// - Parameters:
    ///   - rows: a label for each row, made visible by the caller; of columns likewise.
    ///   - values: `[row, column]`; NaN where there is none.
    public init(rows: [String], columns: [String], values: [Double]) {
        self.rows = rows
        self.columns = columns
        self.values = values
    }

    public func lines(on terminal: Terminal) -> [StyledText] {
        guard !rows.isEmpty, !columns.isEmpty, values.count == rows.count * columns.count else { return [] }
        let largest = values.lazy.filter(\.isFinite).map(\.magnitude).max() ?? 0
        let decimals = largest >= 100 ? 1 : largest >= 10 ? 2 : 3
        let texts = values.map { DecimalText.signed($0, decimals) }
        let labelWidth = rows.map(\.displayWidth).max() ?? 0
        let cellWidth = (texts.map(\.displayWidth).max() ?? 0) + 1
        let perBlock = max((terminal.width - labelWidth) / cellWidth, 1)
        var lines: [StyledText] = []
        for start in stride(from: 0, to: columns.count, by: perBlock) {
            if start > 0 { lines.append("") }
            let block = start..<min(start + perBlock, columns.count)
            var head = StyledText(String(repeating: " ", count: labelWidth))
            for column in block {
                let label = columns[column].truncated(to: cellWidth - 1, mark: terminal.ellipsis)
                head.append(" ")
                head = head + StyledText(label, .faint).padded(to: cellWidth - 1, .right)
            }
            lines.append(head)
            for (row, label) in rows.enumerated() {
                var line = StyledText(label, .faint).padded(to: labelWidth, .right)
                for column in block {
                    let index = row * columns.count + column
                    line.append(" ")
                    line =
                        line + StyledText(texts[index], ink(values[index], largest)).padded(to: cellWidth - 1, .right)
                }
                lines.append(line)
            }
        }
        return lines
    }

    /// Small values step back, large ones come forward, the sign gives the colour.
    private func ink(_ value: Double, _ largest: Double) -> Ink {
        guard value.isFinite, largest > 0 else { return .faint }
        let share = value.magnitude / largest
        if share < 0.1 { return .faint }
        let colour: Colour =
            share < 0.35 ? (value < 0 ? .belowFaint : .aboveFaint) : value < 0 ? .below : .above
        return Ink(colour, isBold: share >= 0.7)
    }
}
