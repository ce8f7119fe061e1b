import LensCore

extension SessionReport {
    /// Markdown with a table, as GitHub and most other readers show it.
    public func markdown() -> String {
        var lines = ["# \(Self.escape(title))", "", Self.escape(facts), ""]
        for line in Self.lines(detail.session.note) { lines += ["> \(Self.escape(line))", ">"] }
        if !detail.session.note.isEmpty { lines.append("") }
        lines.append("| " + Self.headings.joined(separator: " | ") + " |")
        lines.append("|" + Self.headings.map { $0 == "Loss" ? "---:|" : "---|" }.joined())
        for run in detail.runs {
            lines.append("| " + Self.cells(run).map(Self.escape).joined(separator: " | ") + " |")
        }
        return lines.joined(separator: "\n") + "\n"
    }

    /// Every character that could mean something to Markdown or HTML with a backslash or as a reference.
    private static func escape(_ text: String) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "&": result += "&amp;"
            case "\\", "`", "*", "_", "{", "}", "[", "]", "(", ")", "#", "!", "|", "~", "$":
                result += "\\"
                result.unicodeScalars.append(scalar)
            // What would become a link by itself.
            case "/": result += "&#47;"
            case "@": result += "&#64;"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }
}
