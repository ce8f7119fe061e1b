/// The figures of a run: ours, the limit of the same run, and the ratio.
struct FigureTable {
    struct Figure {
        let work: String
        /// What was measured, with its unit.
        let ours: Double
        let limit: Double
        let unit: String
        /// `ours / limit`.
        var ratio: Double { ours / limit }
        /// What the project asks for, such as `≥ 0.80`.
        let target: String
        let isMet: Bool
    }

    private(set) var figures: [Figure] = []
    private var notes: [(String, String)] = []

    mutating func note(_ name: String, _ value: String) { notes.append((name, value)) }

    /// A figure that should be a large part of its limit.
    mutating func add(_ work: String, ours: Double, limit: Double, unit: String, atLeast target: Double) {
        figures.append(
            Figure(
                work: work, ours: ours, limit: limit, unit: unit, target: ">= \(target.rounded(2))",
                isMet: ours / limit >= target))
    }

    /// A figure that should not exceed its limit.
    mutating func add(_ work: String, ours: Double, atMost limit: Double, unit: String) {
        figures.append(
            Figure(work: work, ours: ours, limit: limit, unit: unit, target: "<= 1.0", isMet: ours <= limit))
    }

    var text: String {
        var lines = notes.map { "\($0): \($1)" } + [""]
        lines.append(Self.row("work", "ours", "limit", "unit", "ratio", "target"))
        for figure in figures {
            lines.append(
                Self.row(
                    figure.work, figure.ours.rounded(2), figure.limit.rounded(2), figure.unit,
                    figure.ratio.rounded(3), figure.target + (figure.isMet ? "" : "  missed")))
        }
        return lines.joined(separator: "\n")
    }

    private static func row(_ columns: String...) -> String {
        let widths = [50, 9, 9, 9, 6, 0]
        return zip(columns, widths).enumerated().map { index, cell in
            let pad = String(repeating: " ", count: max(cell.1 - cell.0.count, 0))
            return index == 0 || index == 5 ? cell.0 + pad : pad + cell.0
        }.joined(separator: "  ")
    }

    var json: String {
        let rows = figures.map { figure in
            """
            {"work":"\(figure.work)","ours":\(figure.ours),"limit":\(figure.limit),"unit":"\(figure.unit)",\
            "ratio":\(figure.ratio),"target":"\(figure.target)","met":\(figure.isMet)}
            """
        }
        let head = notes.map { "\"\($0)\":\"\($1)\"" } + ["\"schema\":1"]
        return "{\(head.joined(separator: ",")),\"figures\":[\n\(rows.joined(separator: ",\n"))\n]}\n"
    }
}

extension Double {
    /// With so many decimals.
    func rounded(_ decimals: Int) -> String {
        guard isFinite else { return "nan" }
        var scale = 1.0
        for _ in 0..<decimals { scale *= 10 }
        let whole = (magnitude * scale).rounded()
        guard whole < 1e15 else { return "\(self)" }
        let digits = String(Int(whole))
        let padded = String(repeating: "0", count: max(decimals + 1 - digits.count, 0)) + digits
        let sign = self < 0 && whole > 0 ? "-" : ""
        return sign + padded.dropLast(decimals) + (decimals > 0 ? "." + padded.suffix(decimals) : "")
    }
}

extension [Double] {
    var median: Double {
        let ordered = sorted()
        guard !ordered.isEmpty else { return .nan }
        let middle = ordered.count / 2
        return ordered.count.isMultiple(of: 2) ? (ordered[middle - 1] + ordered[middle]) / 2 : ordered[middle]
    }
}
