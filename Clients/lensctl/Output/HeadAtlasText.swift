import LensCore
import LensTerminal

/// An atlas of heads as a table, and a head's evidence as a card, within 80 columns.
package enum HeadAtlasText {
    static func title(_ atlas: HeadAtlas, on terminal: Terminal) -> [StyledText] {
        var title = StyledText(terminal.visible(line: atlas.modelName), .bold)
        let prompts = atlas.promptCount == 1 ? "1 prompt" : "\(atlas.promptCount) prompts"
        let source = atlas.isBuiltInCorpus ? "the built-in stories" : prompts
        title.append("  over \(source), \(atlas.tokenCount) tokens", .faint)
        if atlas.baselineLoss.isFinite {
            title.append("  loss ", .faint)
            title.append(DecimalText.fixed(atlas.baselineLoss, 4), .bold)
        }
        return [title]
    }

    /// A row per head, then which tokens attend to which.
    package static func table(_ atlas: HeadAtlas, on terminal: Terminal) -> [StyledText] {
        var lines = rows(of: atlas, kinds: 2, on: terminal)
        // With two kinds a row may be too long.
        if lines.contains(where: { $0.width > 80 }) { lines = rows(of: atlas, kinds: 1, on: terminal) }
        let named = atlas.heads.filter { !$0.pairs.isEmpty && $0.scores.position < HeadEvidence.position }
        if !named.isEmpty {
            lines += ["", StyledText("Attention beyond what position explains, from token to token", .bold), ""]
            lines += named.map { head in
                StyledText(head.label, .bold) + StyledText("  ") + pairs(head, width: 70, on: terminal)
            }
        }
        var notes = [
            "", "position, tokens: how much of the pattern position alone explains, and beyond",
            "that which tokens there are.",
        ]
        if atlas.hasCopying {
            notes.append("copies: +1 where a head raises the tokens it attends to, -1 where it lowers.")
        }
        notes.append("Evidence of a head: lensctl heads --layer L --head H")
        return lines + notes.map { StyledText($0, .faint) }
    }

    /// - Parameter kinds: how many of a head's kinds are named; of more there is their number.
    private static func rows(of atlas: HeadAtlas, kinds count: Int, on terminal: Terminal) -> [StyledText] {
        let isAblated = atlas.ablation != nil
        var table = TextTable(columns: [
            .init("head", .right), .init("kinds"), .init("position", .right), .init("tokens", .right),
        ])
        if isAblated { table.columns += [.init(terminal.hasUnicode ? "Δloss" : "dloss", .right), .init("")] }
        if atlas.hasCopying { table.columns.append(.init("copies", .right)) }
        table.rows = atlas.heads.map { head in
            var row = [
                StyledText(head.label, .bold), kinds(head, count, on: terminal),
                StyledText(percent(head.scores.position)), StyledText(percent(head.tokens)),
            ]
            if isAblated {
                row.append(StyledText(DecimalText.signed(head.delta, 4)))
                row.append(StyledText(error(head, on: terminal), .faint))
            }
            if atlas.hasCopying { row.append(StyledText(DecimalText.signed(head.copying, 2))) }
            return row
        }
        return table.lines()
    }

    /// Everything that is known of a head.
    static func card(_ head: HeadProfile, on terminal: Terminal) -> [StyledText] {
        var lines = [StyledText(head.label, .bold) + StyledText("  ") + kinds(head, 2, on: terminal)]
        for finding in head.scores.kinds {
            lines += wrapped("\(finding.kind): \(finding.why)", width: 76).map { StyledText("  \($0)") }
        }
        if head.scores.kinds.isEmpty { lines.append(StyledText("  no kind: nothing gets enough of it", .faint)) }
        let rest = percent(head.context)
        lines.append(
            StyledText(
                "  pattern: \(DecimalText.fixed(head.scores.structure, 2)) nats from even attention; position "
                    + "\(percent(head.scores.position)), tokens \(percent(head.tokens)), rest \(rest)"))
        if let repeats = head.repeats {
            lines.append(
                StyledText(
                    "  on repeated random tokens: duplicate \(percent(repeats.duplicate)), induction "
                        + percent(repeats.induction)))
        }
        if head.delta.isFinite {
            lines.append(
                StyledText(
                    "  loss without it: \(DecimalText.signed(head.delta, 4)) \(error(head, on: terminal)) nats"))
        }
        if head.copying.isFinite {
            lines.append(StyledText("  copying score of its OV circuit: \(DecimalText.signed(head.copying, 2))"))
        }
        let arrow = terminal.hasUnicode ? "→" : "->"
        for pair in head.pairs {
            let places = pair.places == 1 ? "1 place" : "\(pair.places) places"
            lines.append(
                StyledText(
                    "    \(terminal.visible(token: pair.destination.text)) \(arrow) "
                        + "\(terminal.visible(token: pair.source.text))")
                    + StyledText("  \(DecimalText.fixed(pair.weight, 2)) in \(places)", .faint))
        }
        return lines
    }

    private static func kinds(_ head: HeadProfile, _ count: Int, on terminal: Terminal) -> StyledText {
        var text = StyledText()
        for (index, finding) in head.scores.kinds.prefix(count).enumerated() {
            if index > 0 { text.append(", ") }
            text.append(finding.kind.description)
            text.append(" \(DecimalText.fixed(finding.score, 2))", .faint)
        }
        let others = head.scores.kinds.count - count
        if others > 0 { text.append(" +\(others)", .faint) }
        return text
    }

    /// As many pairs as fit.
    private static func pairs(_ head: HeadProfile, width: Int, on terminal: Terminal) -> StyledText {
        let arrow = terminal.hasUnicode ? "→" : "->"
        var text = StyledText()
        for pair in head.pairs {
            var next = StyledText(text.width == 0 ? "" : "  ")
            next.append(terminal.visible(token: pair.destination.text))
            next.append(arrow, .faint)
            next.append(terminal.visible(token: pair.source.text))
            next.append(" \(DecimalText.fixed(pair.weight, 2))", .faint)
            if text.width + next.width > width { break }
            text = text + next
        }
        return text
    }

    private static func error(_ head: HeadProfile, on terminal: Terminal) -> String {
        guard head.standardError.isFinite else { return "" }
        return "\(terminal.hasUnicode ? "±" : "+-") \(DecimalText.fixed(head.standardError, 4))"
    }

    private static func percent(_ share: Double) -> String {
        share.isFinite ? "\(Int((100 * min(max(share, 0), 1)).rounded())) %" : "-"
    }

    private static func wrapped(_ text: String, width: Int) -> [String] {
        var lines = [""]
        for word in text.split(separator: " ") {
            let last = lines.count - 1
            if lines[last].isEmpty {
                lines[last] = String(word)
            } else if lines[last].count + 1 + word.count <= width {
                lines[last] += " " + word
            } else {
                lines.append("  " + word)
            }
        }
        return lines
    }
}

extension HeadAtlas {
    /// Whether it says what any head copies.
    fileprivate var hasCopying: Bool { heads.contains { $0.copying.isFinite } }
}
