/// Horizontal bars to both sides of a zero line, each with its value and its standard error.
public struct SignedBarChart: Sendable {
    public struct Entry: Sendable {
        public var label: String
        public var value: Double
        /// NaN where there is none.
        public var standardError: Double

        public init(label: String, value: Double, standardError: Double) {
            self.label = label
            self.value = value
            self.standardError = standardError
        }

        /// Farther from zero than twice its standard error.
        var isClear: Bool { !(value.magnitude < 2 * standardError) }
    }

    private let entries: [Entry]
    private let width: Int

    /// - Parameter width: Columns of the whole chart, labels and numbers included.
    public init(_ entries: [Entry], width: Int) {
        self.entries = entries
        self.width = width
    }

    public func lines(on terminal: Terminal) -> [StyledText] {
        let labelWidth = entries.map(\.label.displayWidth).max() ?? 0
        let numbers = entries.map { number($0, on: terminal) }
        let numberWidth = numbers.map(\.width).max() ?? 0
        let axis = Axis(entries: entries, columns: max(width - labelWidth - numberWidth - 2, 4))
        return zip(entries, numbers).map { entry, number in
            var line = StyledText(entry.label).padded(to: labelWidth, .right)
            line.append(" ")
            line.append(axis.bar(entry, on: terminal))
            line.append(" ")
            line.append(number.padded(to: numberWidth, .right))
            return line
        }
    }

    private func number(_ entry: Entry, on terminal: Terminal) -> StyledText {
        StyledText(DecimalText.signed(entry.value, 4), entry.isClear ? .plain : .faint)
            + StyledText(
                entry.standardError.isFinite
                    ? (terminal.hasUnicode ? " ±" : " +-") + DecimalText.fixed(entry.standardError, 4) : "", .faint)
    }

    /// Where zero lies and how many columns one unit takes.
    private struct Axis {
        let negativeColumns: Int
        let positiveColumns: Int
        let columnsPerUnit: Double

        init(entries: [Entry], columns: Int) {
            func reach(_ entry: Entry) -> (low: Double, high: Double)? {
                guard entry.value.isFinite else { return nil }
                let error = entry.standardError.isFinite ? entry.standardError : 0
                return (entry.value - (entry.value < 0 ? error : 0), entry.value + (entry.value > 0 ? error : 0))
            }
            let reaches = entries.compactMap(reach)
            let low = -min(reaches.map(\.low).min() ?? 0, 0)
            let high = max(reaches.map(\.high).max() ?? 0, 0)
            let span = low + high
            let share = span > 0 ? Double(columns - 1) * (low / span) : 0
            negativeColumns = min(max(Int(share.rounded()), low > 0 ? 1 : 0), columns - (high > 0 ? 2 : 1))
            positiveColumns = columns - 1 - negativeColumns
            columnsPerUnit = min(
                low > 0 ? Double(negativeColumns) / low : .infinity,
                high > 0 ? Double(positiveColumns) / high : .infinity)
        }

        func bar(_ entry: Entry, on terminal: Terminal) -> StyledText {
            let axis = StyledText(terminal.hasUnicode ? "│" : "|", .faint)
            let isNegative = entry.value < 0
            let room = isNegative ? negativeColumns : positiveColumns
            func columns(_ value: Double) -> Double {
                value.isFinite && columnsPerUnit.isFinite ? min(value.magnitude * columnsPerUnit, Double(room)) : 0
            }
            let shape = BarShape(
                length: columns(entry.value), error: columns(entry.standardError), room: room, isNegative: isNegative,
                isClear: entry.isClear)
            let half = shape.text(on: terminal)
            let empty = { (columns: Int) in StyledText(String(repeating: " ", count: columns)) }
            return isNegative
                ? half + axis + empty(positiveColumns) : empty(negativeColumns) + axis + half
        }
    }
}

/// One side of a bar: full characters, an eighth block at its end, a thin line as far as the standard error reaches.
private struct BarShape {
    let length: Double
    let error: Double
    let room: Int
    let isNegative: Bool
    let isClear: Bool

    /// Exactly `room` columns wide.
    func text(on terminal: Terminal) -> StyledText {
        let colour: Colour = isNegative ? (isClear ? .below : .belowFaint) : (isClear ? .above : .aboveFaint)
        let ink = Ink(colour)
        // Cells from the axis outwards; a negative bar is turned round at the end.
        var cells: [(String, Ink)] = []
        let eighths = min(Int((length * 8).rounded()), room * 8)
        let hasPaint = terminal.colours != .none
        if terminal.hasUnicode {
            cells += [(String, Ink)](repeating: ("█", ink), count: eighths / 8)
            let rest = eighths % 8
            if rest > 0, cells.count < room {
                if !isNegative {
                    cells.append((eighthBlocks[rest - 1], ink))
                } else if hasPaint {
                    // Unicode has no blocks that grow from the right: the complement, in reverse.
                    cells.append((eighthBlocks[7 - rest], Ink(colour, isReversed: true)))
                } else {
                    cells.append((rest >= 6 ? "█" : rest >= 3 ? "▐" : "▕", ink))
                }
            }
        } else {
            let whole = min(Int(length.rounded()), room)
            let sign = isNegative ? "-" : "+"
            cells += [(String, Ink)](repeating: (sign, .plain), count: length > 0 ? max(whole, room > 0 ? 1 : 0) : 0)
        }
        let end = min(Int((length + error).rounded()), room)
        let whisker = terminal.hasUnicode ? "─" : "~"
        let cap = terminal.hasUnicode ? (isNegative ? "├" : "┤") : "~"
        while cells.count < end { cells.append((cells.count == end - 1 ? cap : whisker, .faint)) }
        while cells.count < room { cells.append((" ", .plain)) }
        var text = StyledText()
        for (character, ink) in isNegative ? cells.reversed() : cells { text.append(character, ink) }
        return text
    }
}

/// Blocks that fill 1 to 8 eighths of a cell from the left.
let eighthBlocks = ["▏", "▎", "▍", "▌", "▋", "▊", "▉", "█"]
