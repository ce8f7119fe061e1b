import ArgumentParser
import LensClient
import LensCore
import LensTerminal

struct Compose: ConsoleCommand {
    static let configuration = CommandConfiguration(
        abstract: "Which heads read what earlier heads write: composition scores.",
        discussion: """
            TransformerLens's all_composition_scores, from the weights alone: of an earlier head's OV circuit and \
            what a later head reads its queries (q), keys (k) or values (v) with, the norm of the product by the \
            product of the norms. Unrelated matrices have about 1/√d_model.

            Examples:
              lensctl compose
              lensctl compose --kind k --top 5
              lensctl compose --kind v --json
            """)

    @Option(help: "Through which input the later head reads: queries, keys or values.") var kind = Kind.k
    @Option(help: ArgumentHelp("How many pairs of heads to show.", valueName: "n")) var top = 20
    @OptionGroup(title: "Everywhere") var global: GlobalOptions

    enum Kind: String, ExpressibleByArgument, CaseIterable {
        case q, k, v

        var kind: CompositionKind {
            switch self {
            case .q: .q
            case .k: .k
            case .v: .v
            }
        }
    }

    /// Two heads, and how much of the earlier one's the later one reads.
    private struct Pair {
        let earlier: HeadPlace
        let later: HeadPlace
        let score: Float
    }

    func validate() throws {
        guard top > 0 else { throw ValidationError("--top must be 1 or more; received \(top)") }
    }

    func run(on console: Console) async throws {
        let model = try global.modelReference()
        let connection = try global.connect()
        let width = try await connection.describeModel(model).model.configuration.dModel
        let bar = Progress("pairs of layers", on: console)
        let scores = try await connection.compositionScores(CompositionRequest(model: model, kind: kind.kind)) {
            bar.update(done: $0, total: $1)
        }
        bar.finish()
        let shape = scores.header.shape
        guard shape.count == 4 else {
            throw LensError(.internal, "expected scores [layer, head, layer, head]; the daemon sent \(shape)")
        }
        let pairs = Self.pairs(scores.floats, layers: shape[0], heads: shape[1])
        let shown = Array(pairs.prefix(top))
        console.answer(json(scores.header, shown)) { terminal in
            let title = StyledText(terminal.visible(line: scores.header.model), .bold)
            guard !shown.isEmpty else {
                return [
                    title,
                    StyledText("the model has one layer: no head reads what another one wrote"),
                ]
            }
            let chance = DecimalText.fixed(1 / Double(width).squareRoot(), 3)
            return [title, ""] + table(shown, on: terminal) + [
                "",
                StyledText(
                    "\(shown.count) of \(pairs.count) pairs; unrelated matrices would have about \(chance)", .faint),
            ]
        }
    }

    /// The strongest first.
    private static func pairs(_ scores: [Float], layers: Int, heads: Int) -> [Pair] {
        var pairs: [Pair] = []
        for (index, score) in scores.enumerated() {
            let (first, second) = (index / (layers * heads), index % (layers * heads))
            let earlier = HeadPlace(layer: first / heads, head: first % heads)
            let later = HeadPlace(layer: second / heads, head: second % heads)
            if earlier.layer < later.layer { pairs.append(Pair(earlier: earlier, later: later, score: score)) }
        }
        // What is no number comes last.
        return pairs.sorted { ($0.score.isNaN ? -1 : $0.score) > ($1.score.isNaN ? -1 : $1.score) }
    }

    private func json(_ header: WeightHeader, _ pairs: [Pair]) -> JSON {
        .object([
            ("schema", .integer(1)), ("model", .string(header.model)), ("fingerprint", .string(header.fingerprint)),
            ("kind", .string(kind.rawValue)),
            (
                "pairs",
                .array(
                    pairs.map { pair in
                        .object([
                            ("earlier", .place(pair.earlier)), ("later", .place(pair.later)),
                            ("score", .float(pair.score)),
                        ])
                    })
            ),
        ])
    }

    private func table(_ pairs: [Pair], on terminal: Terminal) -> [StyledText] {
        let arrow = terminal.hasUnicode ? "→" : "->"
        return TextTable(
            columns: [.init("writes", .right), .init(""), .init("reads \(kind.word)"), .init("score", .right)],
            rows: pairs.map { pair in
                [
                    StyledText(pair.earlier.label, .bold), StyledText(arrow, .faint),
                    StyledText(pair.later.label, .bold), StyledText(DecimalText.fixed(Double(pair.score), 4)),
                ]
            }
        ).lines()
    }
}

extension Compose.Kind {
    fileprivate var word: String {
        switch self {
        case .q: "for its queries"
        case .k: "for its keys"
        case .v: "for its values"
        }
    }
}
