import LensCore
import LensTerminal

/// Any sweep as text, as a table for spreadsheets and as JSON.
struct SweepText {
    let sweep: SweepReply
    let metric: MetricValues

    /// - Throws: `INTERNAL` for a sweep without a metric.
    init(_ sweep: SweepReply) throws(LensError) {
        guard let metric = sweep.metrics.first else { throw LensError(.internal, "a sweep came without a metric") }
        self.sweep = sweep
        self.metric = metric
    }

    private var axes: [SweepReply.Axis] { sweep.isPaired ? sweep.axes + sweep.axes : sweep.axes }
    private var deltas: [Double] { metric.values.indices.map(metric.delta) }

    /// The change that each variant makes: bars along one axis, else a grid whose columns are the last one. Components
    /// are too many for columns: of those the strongest are shown.
    func lines(on terminal: Terminal) -> [StyledText] {
        guard !metric.baseline.isNaN else {
            return [StyledText("no \(metric.metric.kind.rawValue): a single token predicts nothing", .faint)]
        }
        let labels = labels(on: terminal)
        guard axes.count > 1, !isPairOfPlaces, let columns = axes.last?.entries.count, columns > 0,
            axes.last?.axis != .component
        else {
            guard !isPairOfPlaces else { return [title, ""] + pairs(on: terminal) }
            return [title, ""] + bars(labels, on: terminal)
        }
        let names = axes.last.map { axis in axis.entries.map { name(axis.axis, $0, on: terminal) } } ?? []
        let rows = stride(from: 0, to: labels.count, by: columns).map { rowLabel($0) }
        return [title, ""] + SignedGrid(rows: rows, columns: names, values: deltas).lines(on: terminal)
    }

    var title: StyledText {
        var title = StyledText("\(metric.metric.kind.rawValue) ", .faint)
        title.append(DecimalText.fixed(metric.baseline, 4), .bold)
        title.append("  change with \(sweep.hooks.joined(separator: " and ")) ", .faint)
        title.append(Self.done(sweep.action), .bold)
        if sweep.tokens.count > 1 { title.append("  \(sweep.tokens.count) prompts", .faint) }
        return title
    }

    static func done(_ action: String) -> String {
        switch action {
        case "zero": "set to zero"
        case "mean": "set to its mean"
        case "patch": "taken from the other prompt"
        default: "edited (\(action))"
        }
    }

    // MARK: - Drawing

    private var isPairOfPlaces: Bool { sweep.isPaired }

    private func bars(_ labels: [String], on terminal: Terminal) -> [StyledText] {
        let bars = zip(labels, metric.values.indices).map { label, variant in
            SignedBarChart.Entry(
                label: label, value: metric.delta(of: variant), standardError: metric.standardErrors[variant])
        }
        let shown = bars.count <= 96 ? bars : farthest(bars, 32)
        var lines = SignedBarChart(shown, width: terminal.width).lines(on: terminal)
        if shown.count < bars.count {
            lines.insert(StyledText("the \(shown.count) of \(bars.count) farthest from zero", .faint), at: 0)
        }
        return lines
    }

    /// Of pairs what they do beyond the sum of what each does alone, for the strongest.
    private func pairs(on terminal: Terminal) -> [StyledText] {
        let places = sweep.axes.map(\.entries.count).reduce(1, *)
        let single = (0..<places).map { metric.delta(of: $0 * places + $0) }
        var found: [(label: String, together: Double, beyond: Double)] = []
        for first in 0..<places {
            for second in first + 1..<max(places, first + 1) {
                let together = metric.delta(of: first * places + second)
                found.append(
                    (
                        sweep.axes.label(ofPlace: first) + "+" + sweep.axes.label(ofPlace: second), together,
                        together - single[first] - single[second]
                    ))
            }
        }
        found.sort { $0.beyond.magnitude > $1.beyond.magnitude }
        var table = TextTable(columns: [
            .init("pair"), .init("together", .right), .init("beyond the sum", .right),
        ])
        table.rows = found.prefix(24).map { pair in
            [
                StyledText(pair.label, .bold), StyledText(DecimalText.signed(pair.together, 4)),
                StyledText(DecimalText.signed(pair.beyond, 4)),
            ]
        }
        let note = found.count > 24 ? ["", StyledText("the first 24 of \(found.count) pairs", .faint)] : []
        return table.lines() + note
    }

    private func farthest(_ bars: [SignedBarChart.Entry], _ count: Int) -> [SignedBarChart.Entry] {
        bars.sorted { ($0.value.isNaN ? -1 : $0.value.magnitude) > ($1.value.isNaN ? -1 : $1.value.magnitude) }
            .prefix(count).map { $0 }
    }

    private func labels(on terminal: Terminal) -> [String] {
        let count = sweep.axes.map(\.entries.count).reduce(1, *)
        return (0..<(sweep.isPaired ? 0 : count)).map { sweep.axes.label(ofPlace: $0) }
    }

    private func rowLabel(_ variant: Int) -> String {
        Array(sweep.axes.dropLast()).label(ofPlace: variant / max(sweep.axes.last?.entries.count ?? 1, 1))
    }

    /// Positions show their token.
    private func name(_ axis: SweepAxis, _ entry: Int, on terminal: Terminal) -> String {
        guard axis == .position || axis == .source, sweep.tokens.count == 1, let tokens = sweep.tokens.first,
            tokens.indices.contains(entry)
        else { return axis.mark + String(entry) }
        return terminal.visible(token: tokens[entry].text)
    }

    // MARK: - Files

    /// A row per variant: its place, the value, the change and its standard error; a number that is none is empty.
    var csv: String {
        func field(_ value: Double) -> String { value.isFinite ? "\(value)" : "" }
        var names = sweep.axes.map(\.axis.rawValue)
        if sweep.isPaired { names += names.map { "other_" + $0 } }
        var text = (names + ["value", "delta", "standard_error"]).joined(separator: ",") + "\n"
        for variant in metric.values.indices {
            var rest = variant
            var place: [String] = []
            for axis in axes.reversed() {
                place.append(String(axis.entries[rest % axis.entries.count]))
                rest /= axis.entries.count
            }
            let numbers = [metric.values[variant], metric.delta(of: variant), metric.standardErrors[variant]]
            text += (place.reversed() + numbers.map(field)).joined(separator: ",") + "\n"
        }
        return text
    }

    /// Values row-major over the axes, of pairs over the axes twice.
    var json: JSON {
        .object([
            ("schema", .integer(1)), ("run", sweep.runID.isEmpty ? .null : .string(sweep.runID)),
            ("model", .string(sweep.modelName)), ("fingerprint", .string(sweep.fingerprint)),
            ("kind", .string(sweep.action)), ("hooks", .array(sweep.hooks.map { .string($0) })),
            ("tokens", .array(sweep.tokens.map(JSON.tokens))),
            (
                "axes",
                .array(
                    sweep.axes.map {
                        .object([("axis", .string($0.axis.rawValue)), ("entries", JSON.integers($0.entries))])
                    })
            ),
            ("paired", .bool(sweep.isPaired)),
            (
                "metrics",
                .array(
                    sweep.metrics.map { metric in
                        .object([
                            ("metric", .string(metric.metric.kind.rawValue)), ("baseline", .number(metric.baseline)),
                            ("values", .array(metric.values.map { .number($0) })),
                            ("standard_errors", .array(metric.standardErrors.map { .number($0) })),
                        ])
                    })
            ),
        ])
    }
}
