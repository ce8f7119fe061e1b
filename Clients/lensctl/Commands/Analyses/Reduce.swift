import ArgumentParser
import LensClient
import LensCore
import LensTerminal

struct Reduce: ConsoleCommand {
    static let configuration = CommandConfiguration(
        abstract: "Entropies, norms, means, diagonals or largest entries of activations.",
        usage: "lensctl reduce <text> <hook> [<options>]",
        discussion: """
            Activations are reduced where they are computed, so that little travels. A short name without a layer \
            means every layer.

            Examples:
              lensctl reduce "Once upon a time" pattern --to entropy
              lensctl reduce "Once upon a time" resid_post --to norm
              lensctl reduce TEXT pattern0 --to diagonal_mean --offset -1 --json
              lensctl reduce TEXT post0 --to top --count 5
            """)

    @Argument(help: "The prompt.") var text: String
    @Argument(help: "A hook point, such as pattern, resid_post or post3.") var hook: String
    @Option(help: "entropy, norm (last axis), mean, max (positions), diagonal, diagonal_mean, top.")
    var to = Kind.norm
    @Option(parsing: .unconditional, help: "Of a diagonal: source minus destination, at most 0.") var offset = 0
    @Option(help: "How many of the largest entries.") var count = 10
    @OptionGroup var edits: EditOptions
    @Flag(help: "Leave the beginning-of-sequence token out.") var noBos = false
    @OptionGroup(title: "Everywhere") var global: GlobalOptions

    enum Kind: String, ExpressibleByArgument, CaseIterable {
        case entropy, norm, mean, max, diagonal, top
        case diagonalMean = "diagonal_mean"

        var kind: Reduction.Kind {
            switch self {
            case .entropy: .entropy
            case .norm: .norm
            case .mean: .mean
            case .max: .max
            case .diagonal: .diagonal
            case .diagonalMean: .diagonalMean
            case .top: .top
            }
        }
    }

    func run(on console: Console) async throws {
        let request = ReductionRequest(
            source: .prompts(
                try global.modelReference(), [.text(text, prependBOS: !noBos)], try edits.words().specs()),
            reductions: [Reduction(to.kind, of: hook, offset: offset, count: to == .top ? count : 0)])
        let reply = try await global.connect().reduce(request)
        guard let prompt = reply.prompts.first else {
            throw LensError(.internal, "a reduction of one prompt answered none")
        }
        let json = JSON.object(
            JSON.stamp(
                model: reply.model, form: reply.form, fingerprint: reply.fingerprint, tokens: prompt.tokens)
                + [
                    ("reduction", .string(to.rawValue)),
                    (
                        "activations",
                        .array(
                            prompt.activations.map {
                                .object([
                                    ("hook", .string($0.hook)), ("shape", JSON.integers($0.shape)),
                                    ("values", .tensor($0.values, shape: $0.shape)),
                                    ("indices", JSON.integers($0.indices)),
                                ])
                            })
                    ),
                ])
        console.answer(json) { terminal in
            prompt.activations.flatMap { lines($0, on: terminal) }
        }
    }

    private func lines(_ activation: ReducedActivation, on terminal: Terminal) -> [StyledText] {
        let width = activation.shape.last ?? 1
        let shape = activation.shape.map(String.init).joined(separator: " x ")
        var lines = [StyledText("\(activation.hook)  \(to.rawValue)  [\(shape)]", .faint)]
        // Nine numbers fit into 80 columns.
        let shown = 9
        for first in stride(from: 0, to: activation.values.count, by: max(width, 1)) {
            let row = activation.values[first..<min(first + width, activation.values.count)]
            let numbers = row.prefix(shown).map { value in
                let text = DecimalText.fixed(Double(value), 3)
                return String(repeating: " ", count: max(8 - text.count, 1)) + text
            }
            lines.append(
                StyledText(numbers.joined() + (row.count > shown ? "  \(terminal.hasUnicode ? "…" : "...")" : "")))
        }
        if !activation.indices.isEmpty {
            lines.append(
                StyledText("at " + activation.indices.prefix(12).map(String.init).joined(separator: " "), .faint))
        }
        return lines
    }
}
