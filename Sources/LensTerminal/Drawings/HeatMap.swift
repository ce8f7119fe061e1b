import LensReport

/// One head's pattern as a picture without labels, at most `width` columns wide.
struct HeatMap {
    let lines: [StyledText]

    /// How many groups of destinations and of sources a map shows; as many as tokens where there is room for them.
    static func size(for positions: Int, width: Int, on terminal: Terminal) -> (rows: Int, columns: Int) {
        let columns = min(positions, width)
        // A character is about twice as high as wide: without half-blocks a map has half as many rows.
        let hasPixels = terminal.hasUnicode && terminal.colours != .none
        return (hasPixels ? columns : min(positions, max(width / 2, 1)), columns)
    }

    init(_ pattern: HeadPattern, positions: Int, width: Int, on terminal: Terminal) {
        let scale = HeatScale(terminal: terminal)
        let (rows, columns) = Self.size(for: positions, width: width, on: terminal)
        let cells = pattern.binned(rows: rows, columns: columns, positions: positions)
        let zoom = max(width / columns, 1)
        if terminal.hasUnicode && terminal.colours != .none {
            // Pixels, each `zoom` wide and high; two rows of them per line.
            func pixel(_ row: Int, _ column: Int) -> Colour? {
                guard row < rows * zoom else { return nil }
                return cells[row / zoom * columns + column / zoom].map(scale.colour)
            }
            lines = stride(from: 0, to: rows * zoom, by: 2).map { row in
                var line = StyledText()
                for column in 0..<columns * zoom {
                    switch (pixel(row, column), pixel(row + 1, column)) {
                    case (nil, nil): line.append(" ")
                    case (let top?, nil): line.append("▀", Ink(top))
                    case (nil, let bottom?): line.append("▄", Ink(bottom))
                    case (let top?, let bottom?): line.append("▀", Ink(top, on: bottom))
                    }
                }
                return line
            }
        } else {
            lines = (0..<rows).map { row in
                var line = StyledText()
                for column in 0..<columns {
                    let share = cells[row * columns + column]
                    let cell = String(repeating: share.map(scale.shade) ?? " ", count: zoom)
                    line.append(cell, terminal.colours == .none ? .plain : Ink(share.map(scale.colour)))
                }
                return line
            }
        }
    }
}
