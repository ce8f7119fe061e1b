import ArgumentParser
import LensClient
import LensCore
import LensTerminal

struct Why: ConsoleCommand {
    static let configuration = CommandConfiguration(
        abstract: "Why a head attends where it does: its score, split into parts.",
        discussion: """
            The score is a sum over what the query is made of times what the key is made of: in the first layer the \
            token, its position and the bias; later also what earlier heads and MLPs wrote. With --relative each has its mean over the sources taken off: what \
            is the same for all of them does not decide where the head attends.

            Examples:
              lensctl why "The dog saw the dog" --layer 0 --head 8
              lensctl why "The dog saw the dog" --layer 0 --head 8 --dest 5 --relative
              lensctl why TEXT --layer 3 --head 1 --detail components --top 10 --json
            """)

    @OptionGroup var pass: AnalysisOptions
    @Option(help: "The head's layer.") var layer: Int
    @Option(help: "The head.") var head: Int
    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("The position that attends, from the end where negative.", valueName: "position"))
    var dest = -1
    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "The position that is attended to. Default: the one that gets most attention.", valueName: "position"))
    var source: Int?
    @Option(help: "How finely: groups, layers or components (each earlier head).") var detail = Detail.groups
    @Flag(help: "Take each term's mean over the sources off.") var relative = false
    @Option(help: ArgumentHelp("How many of the largest pairs to name.", valueName: "n")) var top = 5
    @OptionGroup(title: "Everywhere") var global: GlobalOptions

    enum Detail: String, ExpressibleByArgument, CaseIterable {
        case groups, layers, components

        var detail: ScoreSplitDetail {
            switch self {
            case .groups: .groups
            case .layers: .layers
            case .components: .components
            }
        }
    }

    func validate() throws {
        guard top >= 0 else { throw ValidationError("--top must be 0 or more; received \(top)") }
        guard layer >= 0, head >= 0 else { throw ValidationError("--layer and --head are counted from 0") }
    }

    func run(on console: Console) async throws {
        let pass = try pass.source(of: try global.modelReference())
        let connection = try global.connect()
        var request = ScoreSplitRequest(source: pass, layer: layer, head: head, destinations: [dest])
        if let source {
            request.sources = [source]
        } else {
            let row = try await connection.splitScore(request)
            let strongest = row.pattern.indices.max { row.pattern[$0] < row.pattern[$1] } ?? 0
            request.sources = [strongest]
        }
        request.detail = detail.detail
        request.isRelative = relative
        request.topCount = top
        let reply = try await connection.splitScore(request)
        guard let destination = reply.destinations.first, let source = reply.sources.first else {
            throw LensError(.internal, "a split of one cell answered none")
        }
        guard let score = reply.scores.first, score > -.infinity else {
            throw LensError(
                .invalidArgument, "L\(layer)H\(head) does not see position \(source) from \(destination)")
        }
        console.answer(json(reply, destination, source)) { terminal in
            lines(reply, destination, source, on: terminal)
        }
    }

    private func json(_ reply: ScoreSplitReply, _ destination: Int, _ source: Int) -> JSON {
        let parts = reply.components.count
        return .object(
            JSON.stamp(
                model: reply.model, form: reply.form, fingerprint: reply.fingerprint, tokens: reply.tokens)
                + [
                    ("layer", .integer(layer)), ("head", .integer(head)), ("destination", .integer(destination)),
                    ("source", .integer(source)), ("relative", .bool(relative)),
                    ("score", .float(reply.scores.first ?? .nan)), ("weight", .float(reply.pattern.first ?? .nan)),
                    ("components", .array(reply.components.map { .string($0.label) })),
                    ("terms", .tensor(reply.terms, shape: [parts, parts])),
                    ("position_bias", reply.positionBias.first.map { .float($0) } ?? .null),
                    ("soft_cap", reply.softCap.map { .float($0) } ?? .null), ("rotary", .bool(reply.isRotary)),
                    (
                        "top",
                        .array(
                            reply.top.map {
                                .object([
                                    ("query", .string($0.query.label)), ("key", .string($0.key.label)),
                                    ("value", .float($0.value)),
                                ])
                            })
                    ),
                ])
    }

    private func lines(
        _ reply: ScoreSplitReply, _ destination: Int, _ source: Int, on terminal: Terminal
    ) -> [StyledText] {
        func name(_ position: Int) -> String {
            let text = reply.tokens.indices.contains(position) ? reply.tokens[position].text : ""
            return "\(terminal.visible(token: text)) (\(position))"
        }
        var title = StyledText("L\(layer)H\(head)  ", .bold)
        title.append("\(name(destination)) attends to \(name(source))  weight ", .faint)
        title.append(DecimalText.fixed(Double(reply.pattern.first ?? .nan), 3), .bold)
        title.append(relative ? "  score above the row's mean " : "  score ", .faint)
        title.append(DecimalText.signed(Double(reply.scores.first ?? .nan), 3), .bold)
        var lines = [title]
        let parts = reply.components.count
        // A wider table does not fit; the largest pairs say it then.
        if parts <= 7 {
            var table = TextTable(
                columns: [TextTable.Column("query \\ key")]
                    + reply.components.map { TextTable.Column($0.label, .right) })
            table.rows = reply.components.indices.map { query in
                [StyledText(reply.components[query].label)]
                    + reply.components.indices.map { key in
                        StyledText(DecimalText.signed(Double(reply.terms[query * parts + key]), 3))
                    }
            }
            lines += [""] + table.lines()
        }
        if !reply.top.isEmpty {
            lines += ["", StyledText("largest pairs", .faint)]
            lines += SignedBarChart(
                reply.top.map {
                    SignedBarChart.Entry(
                        label: "\($0.query.label) \(terminal.hasUnicode ? "×" : "x") \($0.key.label)",
                        value: Double($0.value), standardError: .nan)
                }, width: min(terminal.width, 80)
            ).lines(on: terminal)
        }
        if let bias = reply.positionBias.first {
            lines.append(StyledText("ALiBi adds \(DecimalText.signed(Double(bias), 3))", .faint))
        }
        if let cap = reply.softCap { lines.append(StyledText("the terms' sum is capped at \(cap)", .faint)) }
        if reply.isRotary {
            lines.append(StyledText("positions are turns of query and key, part of every term", .faint))
        }
        return lines
    }
}
