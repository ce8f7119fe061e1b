import LensCore
import LensTerminal

/// What a sweep found, for charts and tables.
enum SweepTable {
    /// What was done, over how much, and a bar for every head.
    static func lines(_ sweep: SweepReply, on terminal: Terminal) -> [StyledText] {
        guard sweep.predictionCount > 0 else {
            return [StyledText("no loss: a single token predicts nothing", .faint)]
        }
        let bars = sweep.heads.map {
            SignedBarChart.Entry(label: "L\($0.layer)H\($0.head)", value: $0.delta, standardError: $0.standardError)
        }
        return [title(sweep), ""] + AblationChart(bars).lines(on: terminal)
    }

    private static func title(_ sweep: SweepReply) -> StyledText {
        var title = StyledText("loss ", .faint)
        title.append(DecimalText.fixed(sweep.baselineLoss, 4), .bold)
        title.append("  change with one head's \(sweep.hook) ", .faint)
        switch sweep.action {
        case "zero", "mean":
            title.append("set to ", .faint)
            title.append(sweep.action == "zero" ? "zero" : "its mean", .bold)
        default:
            title.append("taken from ", .faint)
            title.append("another prompt", .bold)
        }
        let prompts = sweep.tokens.count == 1 ? "" : "\(sweep.tokens.count) prompts, "
        title.append("  \(prompts)\(sweep.predictionCount) predictions", .faint)
        return title
    }

    /// `layer,head,loss,delta,standard_error`; a number that is none is left empty.
    static func csv(_ sweep: SweepReply) -> String {
        func field(_ value: Double) -> String { value.isFinite ? "\(value)" : "" }
        let rows = sweep.heads.map { head in
            "\(head.layer),\(head.head),\(field(head.loss)),\(field(head.delta)),\(field(head.standardError))\n"
        }
        return "layer,head,loss,delta,standard_error\n" + rows.joined()
    }
}

extension SweepReply {
    /// What was edited.
    var hook: String { hooks.joined(separator: "+") }
}
