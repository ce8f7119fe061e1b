import ArgumentParser
import LensClient
import LensCore
import LensTerminal

struct Circuits: ConsoleCommand {
    static let configuration = CommandConfiguration(
        abstract: "What heads do by their weights alone: OV and QK circuits over the vocabulary.",
        discussion: """
            The OV circuit W_E W_V W_O W_U says what a token that is attended to does to the logits, the QK circuit \
            (W_E W_Q)(W_E W_K)ᵀ how strongly a token attends to another, both without position and norm. Its score \
            is the sum of its eigenvalues by the sum of their sizes: near +1 an OV circuit copies tokens and a QK \
            circuit attends to tokens like the query's own, near -1 they do the opposite. The bare score is that of \
            W_V W_O or W_Q W_Kᵀ without the vocabulary.

            HEADS are written L0H3 or 0.3. Of heads that are named, the largest entries of the circuits are shown: of \
            the rows of --tokens, else of all tokens with all others, which for a large vocabulary takes seconds a head.

            Examples:
              lensctl circuits
              lensctl circuits L0H3 --top 20
              lensctl circuits 0.3 0.5 --kind ov --tokens " cat" " dog"
              lensctl circuits --tokens " cat" --top 3 --json
            """)

    @Argument(help: "Heads, such as L0H3 or 0.3; all where none is named.") var heads: [HeadName] = []
    @Option(help: "Which circuit.") var kind = Kind.both
    @Option(
        parsing: .upToNextOption,
        help: ArgumentHelp("Rows to look at: of OV the tokens attended to, of QK those that attend.", valueName: "text")
    )
    var tokens: [String] = []
    @Option(
        help: ArgumentHelp(
            "Entries to show, of each row or of the circuit (at most \(CircuitRequest.maximumTop)). Default: 10 where "
                + "heads or tokens are named, else none.", valueName: "n"))
    var top: Int?
    @Flag(help: "Show the smallest entries instead of the largest.") var smallest = false
    @OptionGroup(title: "Everywhere") var global: GlobalOptions

    enum Kind: String, ExpressibleByArgument, CaseIterable {
        case ov, qk, both

        var circuits: [CircuitKind] {
            switch self {
            case .ov: [.ov]
            case .qk: [.qk]
            case .both: [.ov, .qk]
            }
        }
    }

    func validate() throws {
        if let top, !(0...CircuitRequest.maximumTop).contains(top) {
            throw ValidationError("--top must be in 0...\(CircuitRequest.maximumTop); received \(top)")
        }
        guard !smallest || topCount > 0 else { throw ValidationError("--smallest goes with heads, --tokens or --top") }
    }

    private var topCount: Int { top ?? (heads.isEmpty && tokens.isEmpty ? 0 : 10) }

    func run(on console: Console) async throws {
        let model = try global.modelReference()
        let connection = try global.connect()
        var rows: [Int32] = []
        for text in tokens { rows.append(try await connection.singleToken(text, model: model)) }
        var found: [HeadCircuits] = []
        for circuit in kind.circuits {
            let bar = Progress("\(circuit.word) circuits", on: console)
            defer { bar.finish() }
            found.append(
                try await connection.circuits(
                    CircuitRequest(
                        model: model, kind: circuit, heads: heads.map(\.place), tokens: rows, topCount: topCount,
                        wantsSmallest: smallest)
                ) { done, total in bar.update(done: done, total: total) })
        }
        guard let first = found.first else { return }
        guard found.allSatisfy({ $0.heads.map(\.place) == first.heads.map(\.place) }) else {
            throw LensError(.internal, "the daemon sent other heads of one circuit than of the other")
        }
        console.answer(json(found, first)) { terminal in
            let title = StyledText(
                terminal.visible(line: ModelReference(name: first.model, form: first.form).description), .bold)
            return [title, ""] + (topCount > 0 ? cards(found, on: terminal) : table(found) + notes)
        }
    }

    // MARK: - JSON

    private func json(_ found: [HeadCircuits], _ first: HeadCircuits) -> JSON {
        .object([
            ("schema", .integer(1)),
            ("model", .string(ModelReference(name: first.model, form: first.form).description)),
            ("fingerprint", .string(first.fingerprint)), ("smallest", .bool(smallest)),
            (
                "heads",
                .array(
                    first.heads.indices.map { index in
                        found.reduce(.place(first.heads[index].place)) {
                            $0.adding($1.kind.word.lowercased(), Self.json($1.heads[index]))
                        }
                    })
            ),
        ])
    }

    private static func json(_ circuit: HeadCircuit) -> JSON {
        .object([
            ("score", .number(circuit.score)), ("bare_score", .number(circuit.bareScore)),
            (
                "eigenvalues",
                .array(circuit.eigenvalues.map { .array([.number($0.real), .number($0.imaginary)]) })
            ),
            (
                "entries",
                .array(
                    circuit.entries.map { entry in
                        .object([
                            ("row", .token(entry.row)), ("column", .token(entry.column)),
                            ("value", .float(entry.value)),
                        ])
                    })
            ),
        ])
    }

    // MARK: - Text

    private func table(_ found: [HeadCircuits]) -> [StyledText] {
        var table = TextTable(columns: [.init("head", .right)])
        for circuits in found {
            table.columns += [.init(circuits.kind.scoreName, .right), .init("bare", .right)]
        }
        table.rows = (found.first?.heads ?? []).enumerated().map { index, head in
            [StyledText(head.place.label, .bold)]
                + found.flatMap { circuits in
                    [
                        StyledText(DecimalText.signed(circuits.heads[index].score, 2)),
                        StyledText(DecimalText.signed(circuits.heads[index].bareScore, 2), .faint),
                    ]
                }
        }
        return table.lines()
    }

    private var notes: [StyledText] {
        [
            "", "Eigenvalue scores, +1 to -1: whether heads copy the tokens they attend to (OV),",
            "and attend to tokens like the query's own (QK). Entries: lensctl circuits L0H0",
        ].map { StyledText($0, .faint) }
    }

    private func cards(_ found: [HeadCircuits], on terminal: Terminal) -> [StyledText] {
        var lines: [StyledText] = []
        for index in (found.first?.heads ?? []).indices {
            for circuits in found {
                let head = circuits.heads[index]
                var title = StyledText("\(head.place.label) \(circuits.kind.word)", .bold)
                title.append("  \(circuits.kind.scoreName) \(DecimalText.signed(head.score, 2))")
                title.append("  bare \(DecimalText.signed(head.bareScore, 2))", .faint)
                title.append("  \(circuits.kind.meaning)", .faint)
                lines += (lines.isEmpty ? [] : [""]) + [title] + entries(head.entries, on: terminal)
            }
        }
        return lines
    }

    /// Row by row where rows were asked for, else a table of pairs.
    private func entries(_ entries: [CircuitEntry], on terminal: Terminal) -> [StyledText] {
        let arrow = terminal.hasUnicode ? "→" : "->"
        var table = TextTable(columns: [.init("", .right), .init(""), .init(""), .init("", .right)])
        var previous: Int32?
        table.rows = entries.map { entry in
            let isNew = tokens.isEmpty || entry.row.id != previous
            previous = entry.row.id
            return [
                StyledText("  " + (isNew ? terminal.visible(token: entry.row.text) : "")), StyledText(arrow, .faint),
                StyledText(terminal.visible(token: entry.column.text)),
                StyledText(DecimalText.signed(Double(entry.value), 3)),
            ]
        }
        return table.lines()
    }
}

extension CircuitKind {
    fileprivate var word: String { self == .ov ? "OV" : "QK" }
    fileprivate var scoreName: String { self == .ov ? "copying" : "matching" }
    fileprivate var meaning: String { self == .ov ? "attended to -> logit" : "attends -> to" }
}
